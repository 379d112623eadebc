"""What `data` may be."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import document

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBER = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(st.none() | st.booleans() | NUMBER | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(st.dictionaries(TEXT, JSON), st.booleans())
def test_every_json_object_is_a_document(value: dict[str, object], ascii: bool) -> None:
    document.check(json.dumps(value, ensure_ascii=ascii))


def nested(levels: int) -> str:
    return '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)


def sized(length: int) -> str:
    return '{"a":"' + "x" * (length - 8) + '"}'


def powers(numbers: int, extra: int = 0) -> str:
    """So many numbers of a thousand digits, and so many bytes more."""
    return '{"' + "a" * extra + '":[' + ",".join(["1e999"] * numbers) + "]}"


@pytest.mark.parametrize(
    "text",
    [
        nested(64),
        powers(65, 65_536 - len(powers(65)) - 65 * 995),
        sized(65_536),
        '{"a":1e999}',
        '{"a":' + "9" * 1000 + "}",
        '{"a":-0.0}',
        '{"a":"\\\\u0000"}',
        '{"a":"\\ud83d\\ude00"}',
        '{"a":"[[[[' + "[" * 100 + '"}',
        '{"a":{"b":1},"b":{"b":1}}',
    ],
)
def test_what_is_just_within_the_limits_is_taken(text: str) -> None:
    document.check(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is required"),
        ("[]", "must be a JSON object"),
        ('"a"', "must be a JSON object"),
        ("null", "must be a JSON object"),
        ("{", "is not valid JSON"),
        ("{} x", "is not valid JSON"),
        ('{"a":NaN}', "is not valid JSON"),
        ('{"a":-Infinity}', "is not valid JSON"),
        ('{"a":"\n"}', "is not valid JSON"),
        ("\ufeff{}", "is not valid JSON"),
        (nested(65), "64 levels"),
        ("[" * 60_000, "64 levels"),
        (sized(65_537), "65536 bytes"),
        ('{"a":"' + "é" * 32_765 + '"}', "65536 bytes"),
        (powers(65, 65_537 - len(powers(65)) - 65 * 995), "65536 bytes of JSON, its numbers written out; this is 65537"),
        (powers(10_000), "numbers written out"),
        ('{"a":1e1000}', "1000 digits"),
        ('{"a":1e-1000}', "1000 digits"),
        ('{"a":1e99999999999999999999}', "1000 digits"),
        ('{"a":' + "9" * 1001 + "}", "1000 digits"),
        ('{"a":' + "9" * 5000 + "}", "1000 digits"),
        ('{"a":"\\u0000"}', "NUL"),
        ('{"\\u0000":1}', "NUL"),
        ('{"a":"\\ud800"}', "lone surrogate"),
        ('{"a":"\\udc00\\ud800"}', "lone surrogate"),
        ('{"a":1,"a":2}', "key twice"),
        ('{"a":{"b":[{"c":1,"\\u0063":1}]}}', "key twice"),
    ],
)
def test_anything_else_is_refused_by_its_fault(text: str, fault: str) -> None:
    with pytest.raises(document.InvalidDocument, match=fault):
        document.check(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None).map(str) | NUMBER.map(repr))
def test_the_size_is_that_of_the_numbers_written_out(number: str) -> None:
    try:
        size = document.check('{"a":' + number + "}")
    except document.InvalidDocument as error:
        assert "1000 digits" in str(error)
        return
    written = max(len(f"{Decimal(number):f}"), len(number))
    assert size == len('{"a":}') + written
