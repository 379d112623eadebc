"""Strict JSON text (RFC 8259) to Python values that keep what a message needs: exact numbers, repeated keys, literals as written."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from gateway.transcoding._invalid_json import InvalidJson, wrong_type

_WHITE_SPACE = " \t\n\r"
_SPACE = re.compile(r"[ \t\n\r]*")
_KEY = r'"([^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*)"[ \t\n\r]*:[ \t\n\r]*'
# One match a member, which is where the time goes: brace or comma, key, colon.
_FIRST = re.compile(r"\{[ \t\n\r]*" + _KEY)
_NEXT = re.compile(r"[ \t\n\r]*,[ \t\n\r]*" + _KEY)
_EMPTY = re.compile(r"\{[ \t\n\r]*\}")
_END = re.compile(r"[ \t\n\r]*\}")


class Real(str):
    """A JSON number with a fraction or an exponent, or of thousands of digits, as it was written."""

    __slots__ = ()


class Literal(str):
    """The raw text of a JSON value, for a field that holds JSON text."""

    __slots__ = ()


class Duplicated(dict[str, Any]):
    """A JSON object in which a key came twice."""

    twice: str


_LONGEST_PATH = 16


class _TooDeep(Exception):
    """Python's scanner has reached its limit below `path`."""

    def __init__(self, path: list[str]) -> None:
        super().__init__()
        self.path = path


@dataclass(slots=True)
class Shape:
    """Where in a value the literals are: at the value itself, in its members, or in its items."""

    literal: bool = False
    members: dict[str, "Shape"] = field(default_factory=dict)
    others: "Shape | None" = None  # of members of any other name: the values of a map
    items: "Shape | None" = None


def parse(body: bytes, shape: Shape | None = None) -> Any:
    """The value of a whole JSON document in UTF-8: dict, list, str, int, Real, bool, None; Literal and Duplicated where they apply.

    Raises InvalidJson where the body is not exactly one JSON value (RFC 8259 without a byte order mark).
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidJson.because(f"not UTF-8 at byte {error.start}") from None
    if text.startswith("\ufeff"):
        raise InvalidJson.because("starts with a byte order mark")
    try:
        return _document(text, shape)
    except json.JSONDecodeError as error:
        raise InvalidJson.because(f"malformed JSON at line {error.lineno} column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise InvalidJson.because("nested too deeply") from None
    except _TooDeep as error:
        failure = InvalidJson.because("nested too deeply")
        # Nested messages themselves may be what is bottomless: such a path tells nobody anything.
        for part in reversed(error.path if len(error.path) <= _LONGEST_PATH else []):
            failure = failure.within(part)
        raise failure from None


def not_an_object(value: Any) -> InvalidJson:
    """Why a value is none of the objects that a message can be read from."""
    if type(value) is Duplicated:
        return InvalidJson.because("is given twice").within(value.twice)
    return wrong_type("an object", value)


def syntactic(text: str) -> bool:
    """Whether the text is exactly one JSON value with nothing around it."""
    try:
        return _SYNTAX.raw_decode(text, 0)[1] == len(text)
    except (ValueError, RecursionError):
        return False


def _document(text: str, shape: Shape | None) -> Any:
    start = 0 if text[:1] in ("{", "[") else len(text) - len(text.lstrip(_WHITE_SPACE))
    value, end = _value(text, start, shape)
    if end != len(text) and (rest := text[end:].lstrip(_WHITE_SPACE)):
        raise json.JSONDecodeError("Extra data", text, len(text) - len(rest))
    return value


def _value(text: str, at: int, shape: Shape | None) -> tuple[Any, int]:
    if shape is not None:
        opening = text[at : at + 1]
        if shape.literal:
            value, end = _SYNTAX.raw_decode(text, at)
            return (None if value is None else Literal(text[at:end])), end
        if opening == "{":
            return _object(text, at, shape)
        if opening == "[" and shape.items is not None:
            return _array(text, at, shape.items)
    try:
        return _VALUES.raw_decode(text, at)
    except (json.JSONDecodeError, InvalidJson):
        raise
    except ValueError:  # Python refuses to convert integers of more than 4300 digits
        return _LONG_VALUES.raw_decode(text, at)


def _object(text: str, at: int, shape: Shape) -> tuple[dict[str, Any], int]:
    if (empty := _EMPTY.match(text, at)) is not None:
        return {}, empty.end()
    members: list[tuple[str, Any]] = []
    match = _FIRST.match(text, at)
    while match is not None:
        key = match[1]
        if "\\" in key:
            # The pattern admits any escape; the decoder knows which there are.
            key = _VALUES.raw_decode(text, match.start(1) - 1)[0]
        try:
            value, at = _value(text, match.end(), shape.members.get(key, shape.others))
        except RecursionError:
            raise _TooDeep([key]) from None
        except _TooDeep as error:
            error.path.insert(0, key)
            raise
        members.append((key, value))
        match = _NEXT.match(text, at)
    end = _END.match(text, at)
    if end is None:
        raise json.JSONDecodeError("Expecting '}' or a key in double quotes and its value", text, at)
    return _members(members), end.end()


def _array(text: str, at: int, items_shape: Shape) -> tuple[list[Any], int]:
    items: list[Any] = []
    at = _after_space(text, at + 1)
    if text[at : at + 1] == "]":
        return items, at + 1
    while True:
        try:
            item, at = _value(text, at, items_shape)
        except _TooDeep as error:
            error.path.insert(0, f"[{len(items)}]")
            raise
        items.append(item)
        at = _after_space(text, at)
        separator = text[at : at + 1]
        if separator == "]":
            return items, at + 1
        if separator != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None  # it matches nothing too
    return match.end()


def _constant(name: str) -> Any:
    raise InvalidJson.because(f"malformed JSON: {name} is not a JSON value")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    duplicated = Duplicated(members)
    # add() is None: the first key that was there before.
    duplicated.twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return duplicated


_VALUES = json.JSONDecoder(object_pairs_hook=_members, parse_float=Real, parse_constant=_constant)
_LONG_VALUES = json.JSONDecoder(object_pairs_hook=_members, parse_float=Real, parse_int=Real, parse_constant=_constant)
# Checks the form alone: float() takes any number of digits in linear time.
_SYNTAX = json.JSONDecoder(parse_float=float, parse_int=float, parse_constant=_constant)
