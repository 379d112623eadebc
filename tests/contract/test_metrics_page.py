"""docs/metrics.md says of each metric what the code does."""

import subprocess
import sys


def test_the_tables_of_metrics_are_those_of_the_code() -> None:
    command = [sys.executable, "docs/metrics_table.py", "--check"]
    checked = subprocess.run(command, env={"PYTHONPATH": "."}, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
