"""Schemathesis plays what the served OpenAPI document promises and forbids against the running service."""

import subprocess
import sys
from pathlib import Path

from local.stack import Stack

CONFIGURATION = Path(__file__).parents[1] / "schemathesis.toml"


def test_schemathesis_finds_no_failure(running: Stack, tmp_path: Path) -> None:
    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "--no-color",
            f"--config-file={CONFIGURATION}",
            "run",
            f"{running.rest_url.rstrip('/')}/openapi.json",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout + run.stderr
