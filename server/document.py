"""The rules for a payment's `data`: a JSON object (RFC 8259) that PostgreSQL's JSONB stores without loss and at a bounded cost."""

import json
import re
from typing import NamedTuple, NoReturn

from server.limits import MOST

MAX_BYTES = 64 * 1024
MAX_DIGITS = 1000

_NUMBER = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
# Strings are tokens so that brackets within them do not count; an unterminated one runs to the end, which keeps the scan linear.
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:u(?:[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<nul>0000)|(?P<lone>[dD][89a-fA-F][0-9a-fA-F]{2}))?|.)"
)
_OBJECT = object()


class InvalidDocument(ValueError):
    """The text is not a document; str() says what is wrong with it."""


class Number(NamedTuple):
    """A JSON number taken apart: value = digits x 10^exponent, digits without leading or trailing zeros ("" is zero)."""

    negative: bool
    digits: str
    exponent: int
    written_out: int  # decimal digits without an exponent, as JSONB prints them: trailing zeros of the fraction are kept
    length: int  # characters of the same, with sign and point


def check(text: str, max_depth: int = MOST.depth) -> int:
    """The bytes of a document, its numbers written out. Raises InvalidDocument unless the text is one. Not for several threads at once.

    What PostgreSQL gives back has a space after each comma and colon besides: at most half as much again.
    """
    if not text:
        raise InvalidDocument("is required")
    size = len(text) if text.isascii() else len(text.encode())
    _refuse_size(size)
    if text.count("{") + text.count("[") > max_depth:
        _check_depth(text, max_depth)
    _numbers.growth = 0
    try:
        value = _reader.decode(text)
    except json.JSONDecodeError as error:
        raise InvalidDocument(f"is not valid JSON: {error.msg} at character {error.pos + 1}") from None
    if value is not _OBJECT:
        raise InvalidDocument("must be a JSON object")
    if "\\u" in text:
        _check_escapes(text)
    _refuse_size(size + _numbers.growth)
    return size + _numbers.growth


def number(text: str) -> Number:
    """Takes a JSON number apart. Raises InvalidDocument where it has over MAX_DIGITS digits when written out."""
    match = _NUMBER.fullmatch(text)
    assert match is not None, "the JSON scanner lets only numbers through"
    whole, fraction, power = match[1], match[2] or "", match[3] or "0"
    # Seven digits of exponent are beyond any limit, and int() refuses thousands of them.
    exponent = int(power) if len(power.lstrip("+-0")) <= 6 else None
    if exponent is None:
        _refuse_number(text)
    significant = (whole + fraction).lstrip("0")
    before_point = len(significant) - len(fraction) + exponent if significant else 0
    decimals = max(len(fraction) - exponent, 0)
    written_out = max(before_point, 1) + decimals
    if written_out > MAX_DIGITS:
        _refuse_number(text)
    digits = significant.rstrip("0")
    negative = text[0] == "-"
    length = written_out + negative + (decimals > 0)
    return Number(negative, digits, exponent - len(fraction) + len(significant) - len(digits), written_out, length)


class _Numbers:
    """How much longer the numbers of the document being read become when they are written out: 1e999 a thousand digits."""

    growth = 0  # characters

    def check_float(self, text: str) -> None:
        if "e" in text or "E" in text:
            self.growth += max(0, number(text).length - len(text))
        else:
            _check_digits(text)


def _check_digits(text: str) -> None:
    if len(text) > MAX_DIGITS:
        number(text)


def _members(pairs: list[tuple[str, object]]) -> object:
    if len(pairs) > 1 and len(dict(pairs)) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise InvalidDocument(f"must not have a key twice in one object: {_shown(key)}")
            seen.add(key)
    return _OBJECT


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for match in _BRACKET.finditer(text):
        token = match[0]
        if token in "[{":
            depth += 1
            if depth > max_depth:
                raise InvalidDocument(f"must not be nested more than {max_depth} levels deep")
        elif token in "]}":
            depth -= 1


def _check_escapes(text: str) -> None:
    for match in _ESCAPE.finditer(text):
        if match.lastgroup == "nul":
            raise InvalidDocument("must not contain the NUL character \\u0000")
        if match.lastgroup == "lone":
            raise InvalidDocument(f"must not contain a lone surrogate: {match[0]}")


def _refuse_size(size: int) -> None:
    if size > MAX_BYTES:
        raise InvalidDocument(f"must be at most {MAX_BYTES} bytes of JSON, its numbers written out; this is {size}")


def _refuse_constant(text: str) -> NoReturn:
    raise InvalidDocument(f"is not valid JSON: {text} is not a JSON value")


def _refuse_number(text: str) -> NoReturn:
    raise InvalidDocument(f"must not have numbers of more than {MAX_DIGITS} digits when written out: {_shown(text)}")


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= 40 else text[:40] + "…")


# Reads a document and keeps nothing of it: Python's C scanner does the work, these hooks see every number and object.
_numbers = _Numbers()
_reader = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_check_digits, parse_float=_numbers.check_float, parse_constant=_refuse_constant
)
