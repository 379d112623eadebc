"""README.pt-BR.md is README.md in another language: the same sections, tables, links, commands and answers."""

from pathlib import Path

from tests.docs.pages import ROOT, anchors, blocks, code, headings, links, tables
from tests.docs.reader import commands

ENGLISH = ROOT / "README.md"
PORTUGUESE = ROOT / "README.pt-BR.md"
EACH_OTHER = {"README.md", "README.pt-BR.md"}


def outline(page: Path) -> list[object]:
    """What the page has in any language: the levels of its headings, its blocks without comments, its tables' cells without their words."""
    found: list[object] = [level for level, _ in headings(page)]
    found += [
        (block.info, commands(block) if block.info[:1] == ["sh"] else block.text) for block in blocks(page) if block.info != ["mermaid"]
    ]
    found += [len([block for block in blocks(page) if block.info == ["mermaid"]])]
    found += [[[(code(cell), cell.count("](")) for cell in row] for row in table] for table in tables(page)]
    return found


def targets(page: Path) -> list[str]:
    return sorted(link for link in links(page) if not link.startswith("#") and link not in EACH_OTHER)


def test_both_have_the_same_sections_tables_commands_and_answers() -> None:
    assert outline(PORTUGUESE) == outline(ENGLISH)


def test_both_lead_to_the_same_pages() -> None:
    assert targets(PORTUGUESE) == targets(ENGLISH)
    assert len(anchors(PORTUGUESE)) == len(anchors(ENGLISH))


def test_a_row_a_command_and_a_section_that_one_of_them_lacks_are_found(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    text = ENGLISH.read_text()
    for taken in ("| `make resilience`, `make ledger` |", "curl http://127.0.0.1:8080/status", "## Configuration\n"):
        assert taken in text
        page.write_text(text.replace(taken, "| |" if taken.startswith("|") else ""))
        copy = page.rename(tmp_path / f"{len(taken)}.md")  # parsed pages are kept by their path
        assert outline(copy) != outline(ENGLISH), taken
