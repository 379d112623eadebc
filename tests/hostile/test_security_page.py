"""docs/security.md names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_proof_of_the_page_is_a_test() -> None:
    proofs = re.findall(r"`([\w/.]+\.py)::(test_\w+)`", (ROOT / "docs/security.md").read_text())
    assert len(proofs) > 30
    missing = [proof for proof in proofs if f"def {proof[1]}(" not in (ROOT / proof[0]).read_text()]
    assert not missing
