"""docs/security.md names tests that are there, and every limit that the commands have, as docs/configuration.md does with its default."""

import re
from pathlib import Path

import click
import pytest

from gateway.cli import serve as serve_gateway
from server.cli import serve as serve_server

ROOT = Path(__file__).parents[2]


def test_every_proof_of_the_page_is_a_test() -> None:
    proofs = re.findall(r"`([\w/.]+\.py)::(test_\w+)`", (ROOT / "docs/security.md").read_text())
    assert len(proofs) > 30
    missing = [proof for proof in proofs if f"def {proof[1]}(" not in (ROOT / proof[0]).read_text()]
    assert not missing


LIMITS = [
    option
    for command in (serve_server, serve_gateway)
    for option in command.params
    if option.name and (option.name.startswith("max_") or option.name.endswith("_timeout"))
]


@pytest.mark.parametrize("option", LIMITS, ids=lambda option: str(option.envvar))
def test_every_limit_is_in_the_table_and_its_default_among_the_options(option: click.Option) -> None:
    table = (ROOT / "docs/security.md").read_text().partition("## Limits")[2].partition("\n## ")[0]
    assert f"`{option.envvar}`" in table
    name = re.sub("^PAYMENTS_[A-Z]+?_", "", str(option.envvar))
    rows = [
        line for line in (ROOT / "docs/configuration.md").read_text().splitlines() if f"`{option.envvar}`" in line or f"`…_{name}`" in line
    ]
    assert any(f"{option.default:.0f}" in row.split("|")[2] for row in rows)


def test_the_limits_are_found() -> None:
    assert len(LIMITS) > 15
