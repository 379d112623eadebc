"""Pages name what is there, say it once, and decisions say what confirms them."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, headings, literals, pages, paragraphs

PATH = re.compile(r"([\w.-]+/[\w./-]+\.(?:py|ya?ml|toml|md|json|tf|proto|mk|sql))(?:::(\w+))?")
MADE_OR_FOREIGN = ("build/", "google/")  # what commands write, and what comes with packages
TRANSLATION = ROOT / "README.pt-BR.md"
DECISIONS = [page for page in pages() if page.parent.name == "decisions" and page.name != "README.md"]


def missing(page: Path) -> list[str]:
    """Files and tests that the page names, from the root, from itself or from kustomize/, and that are not there."""
    found = []
    for named in filter(None, map(PATH.fullmatch, literals(page))):
        places = [ROOT / named[1], page.parent / named[1], ROOT / "kustomize" / named[1]]
        file = next((place for place in places if place.is_file()), None)
        if not named[1].startswith(MADE_OR_FOREIGN) and not (file and (not named[2] or f"def {named[2]}(" in file.read_text())):
            found.append(named[0])
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_tests_that_a_page_names_are_there(page: Path) -> None:
    assert not missing(page)


def test_a_file_and_a_test_that_are_not_there_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    here = str(Path(__file__).relative_to(ROOT))
    page.write_text(f"`docs/ci.md` `docs/gone.md` `{here}::test_gone` `{here}::missing` `build/any.json`")
    assert missing(page) == ["docs/gone.md", f"{here}::test_gone"]


def test_no_paragraph_stands_on_two_pages() -> None:
    where = defaultdict(set)
    for page in set(pages()) - {TRANSLATION}:
        for paragraph in paragraphs(page):
            where[paragraph].add(page.name)
    assert not {text: names for text, names in where.items() if len(text) > 60 and len(names) > 1}


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda page: page.name)
def test_a_decision_says_what_confirms_it_and_is_in_the_index(decision: Path) -> None:
    assert {"Context and Problem Statement", "Considered Options", "Decision Outcome", "Confirmation"} <= {
        text for _, text in headings(decision)
    }
    assert f"({decision.name})" in (decision.parent / "README.md").read_text()
