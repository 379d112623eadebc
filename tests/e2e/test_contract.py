"""The contract's own tests, with TLS and by the host's name, through nginx."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.service import Door

ROOT = Path(__file__).parents[2]
FILES = [f"tests/contract/test_rest_{name}.py" for name in ("create", "conditional", "data", "idempotency", "lists", "money", "batch")]
# What speaks to the gateway byte by byte.
WITHOUT_NGINX = "tests/contract/test_rest_conditional.py::test_header_lines_of_one_condition_are_one_list"


def test_the_contract_holds_through_nginx(door: Door) -> None:
    command = [sys.executable, "-m", "pytest", "--deployed", "--deselect", WITHOUT_NGINX, *FILES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
