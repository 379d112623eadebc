"""If-Match and If-None-Match as RFC 9110 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.preconditions import EntityTags, MalformedPrecondition

OPAQUE = st.text(st.characters(codec="latin-1", exclude_characters='"', exclude_categories=["Cc", "Zs"]))


@pytest.mark.parametrize(
    ("text", "strong", "weak"),
    [
        ('"1"', ("1",), ()),
        ('W/"1"', (), ("1",)),
        ('"1", "2"', ("1", "2"), ()),
        ('"1","2",W/"3"', ("1", "2"), ("3",)),
        (' "1" ,, "2", ', ("1", "2"), ()),
        (',"1"', ("1",), ()),
        ('"a,b"', ("a,b",), ()),
        ('""', ("",), ()),
    ],
)
def test_a_list_of_entity_tags_is_read(text: str, strong: tuple[str, ...], weak: tuple[str, ...]) -> None:
    assert EntityTags.parse(text) == EntityTags(any=False, strong=strong, weak=weak)


def test_a_star_stands_for_any_version() -> None:
    assert EntityTags.parse(" * ").any


@pytest.mark.parametrize(
    "text", ["", " ", ",", "1", '"1', '1"', '"1" "2"', '"1"x', 'w/"1"', 'W/ "1"', '*, "1"', '"1", *', '"\x7f"', '"a b"']
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedPrecondition):
        EntityTags.parse(text)


@given(st.lists(st.tuples(st.booleans(), OPAQUE), min_size=1))
def test_every_list_that_the_grammar_allows_is_read_back(tags: list[tuple[bool, str]]) -> None:
    text = ", ".join(("W/" if weak else "") + f'"{opaque}"' for weak, opaque in tags)
    parsed = EntityTags.parse(text)
    assert parsed.strong == tuple(opaque for weak, opaque in tags if not weak)
    assert parsed.weak == tuple(opaque for weak, opaque in tags if weak)


def test_if_none_match_compares_weakly() -> None:
    assert not EntityTags.parse('W/"1"').none_match("1")
    assert not EntityTags.parse("*").none_match("1")
    assert EntityTags.parse('"2"').none_match("1")
