"""Every link of every page leads somewhere. Links to other hosts are not followed: tests stay on this machine."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import ROOT, anchors, committable, links, pages

INDEX = ROOT / "docs" / "README.md"


def broken(page: Path) -> list[str]:
    """The links of the page that lead to no file of the repository, or to no heading of a page."""
    return [link for link in links(page) if not _leads(page, link)]


def _leads(page: Path, link: str) -> bool:
    target = urlsplit(link)
    if target.scheme or target.netloc:
        return target.scheme in ("https", "http", "mailto")
    path = (page.parent / unquote(target.path)).resolve() if target.path else page
    known = path == page or str(path.relative_to(ROOT)) in committable() or path.is_dir()
    return known and (not target.fragment or (path.suffix == ".md" and unquote(target.fragment) in anchors(path)))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_every_anchor_to_a_heading(page: Path) -> None:
    assert not broken(page)


def test_a_link_to_nothing_and_an_anchor_of_nothing_are_found() -> None:
    page = ROOT / "docs" / "page-of-a-test.md"
    text = "# A `page`, of: a test\n\n[a](#a-page-of-a-test) [b](ci.md) [c](#gone) [d](gone.md) [e](ci.md#gone) [f](../Makefile) ![g](gone.svg)\n"
    page.write_text(text)
    try:
        assert broken(page) == ["#gone", "gone.md", "ci.md#gone", "gone.svg"]
    finally:
        page.unlink()


def test_every_page_is_in_the_index() -> None:
    """Pages of docs/ by themselves; runbooks and decisions have an index of their own, which this one names."""
    named = {(INDEX.parent / link).resolve() for link in links(INDEX) if "://" not in link}
    there = {page for page in pages() if page.parent == INDEX.parent} - {INDEX}
    assert not {page.name for page in there - named}
