"""Schemathesis plays what the served OpenAPI document promises and forbids against the running service."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.rest import Rest

CONFIGURATION = Path(__file__).parents[1]


def test_schemathesis_finds_no_failure(rest: Rest, tmp_path: Path) -> None:
    for name in ("schemathesis.toml", "schemathesis_hooks.py"):
        shutil.copy(CONFIGURATION / name, tmp_path)
    (tmp_path / "payments.dict").write_text("".join(f'"{id}"\n' for id in rest.create_many(600)))
    run = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "--no-color", "run", f"{rest.url}openapi.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
