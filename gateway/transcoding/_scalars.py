"""Scalar values and enums between Python and JSON, by the rules of ProtoJSON (https://protobuf.dev/programming-guides/json/).

A reader takes a value of the scanner and the depth of the message it is in; a writer gives JSON text.
"""

import base64
import math
import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.descriptor import FieldDescriptor as Field

from gateway.transcoding._invalid_json import InvalidJson, shown, wrong_type
from gateway.transcoding._scanner import Real

Reader = Callable[[Any, int], Any]
Writer = Callable[[Any], str]

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_STANDARD_ALPHABET = str.maketrans("-_", "+/")
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_MAX_NAMES = 20


def _integer(low: int, high: int) -> Reader:
    def read(value: Any, depth: int) -> int:
        if type(value) is int:
            number = value
        elif type(value) is Real or type(value) is str:
            number = _whole(value, low, high)
        else:
            raise wrong_type("an integer", value)
        if low <= number <= high:
            return number
        raise _out_of_range(low, high)

    return read


def _whole(text: str, low: int, high: int) -> int:
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        raise InvalidJson.because(f'must be an integer, not "{shown(text)}"')
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent beyond 10**18
        raise InvalidJson.because("must be an integer") from None
    # Before int(), which would write out 1e999999999.
    if not low <= number <= high:
        raise _out_of_range(low, high)
    if number != (whole := int(number)):
        raise InvalidJson.because("must be an integer, without a fraction")
    return whole


def _out_of_range(low: int, high: int) -> InvalidJson:
    return InvalidJson.because(f"must be between {low} and {high}")


def read_double(value: Any, depth: int) -> float:
    if type(value) is str:
        if value in _SPECIAL:
            return _SPECIAL[value]
        if not _NUMBER.fullmatch(value):
            raise InvalidJson.because(f'must be a number, "NaN", "Infinity" or "-Infinity", not "{shown(value)}"')
    elif type(value) is not int and type(value) is not Real:
        raise wrong_type("a number", value)
    try:
        number = float(value)
    except OverflowError:  # from an int; text becomes infinite instead
        number = math.inf
    if math.isinf(number):
        raise InvalidJson.because("is beyond the range of a double")
    return number


def _read_float(value: Any, depth: int) -> float:
    number = read_double(value, depth)
    try:
        struct.pack("<f", number)
    except OverflowError:
        raise InvalidJson.because("is beyond the range of a float") from None
    return number


def _read_bool(value: Any, depth: int) -> bool:
    if type(value) is not bool:
        raise wrong_type("true or false", value)
    return value


def read_bool_text(value: str, depth: int) -> bool:
    """A bool where JSON or a URL has only text: a key of a map, a query parameter."""
    if value not in ("true", "false"):
        raise InvalidJson.because(f'must be true or false, not "{shown(value)}"')
    return value == "true"


def read_string(value: Any, depth: int) -> str:
    if type(value) is not str:
        raise wrong_type("a string", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidJson.because("has a lone surrogate, which is no Unicode character") from None
    return value


def _read_bytes(value: Any, depth: int) -> bytes:
    if type(value) is not str:
        raise wrong_type("a base64 string", value)
    text = value.translate(_STANDARD_ALPHABET)
    digits = text.rstrip("=")
    padded = len(text) != len(digits)
    if not _BASE64.fullmatch(text) or len(digits) % 4 == 1 or (padded and len(text) % 4):
        raise InvalidJson.because("must be base64, standard or URL-safe")
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


SCALAR_READERS: Mapping[int, Reader] = {
    **dict.fromkeys((Field.TYPE_INT32, Field.TYPE_SINT32, Field.TYPE_SFIXED32), _integer(-(2**31), 2**31 - 1)),
    **dict.fromkeys((Field.TYPE_INT64, Field.TYPE_SINT64, Field.TYPE_SFIXED64), _integer(-(2**63), 2**63 - 1)),
    **dict.fromkeys((Field.TYPE_UINT32, Field.TYPE_FIXED32), _integer(0, 2**32 - 1)),
    **dict.fromkeys((Field.TYPE_UINT64, Field.TYPE_FIXED64), _integer(0, 2**64 - 1)),
    Field.TYPE_DOUBLE: read_double,
    Field.TYPE_FLOAT: _read_float,
    Field.TYPE_BOOL: _read_bool,
    Field.TYPE_STRING: read_string,
    Field.TYPE_BYTES: _read_bytes,
}


def read_key(read: Reader) -> Reader:
    """A map key of an integer type: decimal digits, no other spelling of the number."""

    def read_digits(value: str, depth: int) -> Any:
        if not value.removeprefix("-").isdecimal():
            raise InvalidJson.because(f'the key must be an integer, not "{shown(value)}"')
        return read(value, depth)

    return read_digits


def enum_reader(enum: EnumDescriptor, numbers_by_name: Mapping[str, int], numbers: bool) -> Reader:
    """`numbers`: a value may be given by its number too; an open enum takes numbers that it does not know."""
    read_number = SCALAR_READERS[Field.TYPE_INT32]
    known = frozenset(value.number for value in enum.values)
    names = ", ".join(f'"{name}"' for name in list(numbers_by_name)[:_MAX_NAMES]) + (", …" if len(numbers_by_name) > _MAX_NAMES else "")

    def read(value: Any, depth: int) -> int:
        if type(value) is str:
            number = numbers_by_name.get(value)
            if number is None:
                raise InvalidJson.because(f'must be one of {names}, not "{shown(value)}"')
            return number
        if not numbers or (type(value) is not int and type(value) is not Real):
            raise wrong_type(f"one of {names}", value)
        number = read_number(value, depth)
        if enum.is_closed and number not in known:
            raise InvalidJson.because(f"must be one of {names} or the number of one")
        return int(number)

    return read


def write_double(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def _write_float(value: float) -> str:
    if not math.isfinite(value):
        return write_double(value)
    # The shortest text that reads back as the same 32 bits; nine digits always do.
    bits = struct.pack("<f", value)
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if abs(short) < _FLOAT_LIMIT and struct.pack("<f", short) == bits:
            return repr(short)
    return repr(float(f"{value:.9g}"))


_FLOAT_LIMIT = 2.0**128 - 2.0**103  # from here on 32 bits round to infinity


def _write_bool(value: bool) -> str:
    return "true" if value else "false"


def _write_quoted(value: int) -> str:
    return f'"{value}"'


def _write_bytes(value: bytes) -> str:
    return f'"{base64.b64encode(value).decode()}"'


write_string: Writer = encode_basestring

SCALAR_WRITERS: Mapping[int, Writer] = {
    **dict.fromkeys((Field.TYPE_INT32, Field.TYPE_SINT32, Field.TYPE_SFIXED32, Field.TYPE_UINT32, Field.TYPE_FIXED32), str),
    # 64-bit integers are strings: a JSON number is a double to many readers.
    **dict.fromkeys((Field.TYPE_INT64, Field.TYPE_SINT64, Field.TYPE_SFIXED64, Field.TYPE_UINT64, Field.TYPE_FIXED64), _write_quoted),
    Field.TYPE_DOUBLE: write_double,
    Field.TYPE_FLOAT: _write_float,
    Field.TYPE_BOOL: _write_bool,
    Field.TYPE_STRING: write_string,
    Field.TYPE_BYTES: _write_bytes,
}


def enum_writer(names: Mapping[int, str]) -> Writer:
    quoted = {number: write_string(name) for number, name in names.items()}

    def write(value: int) -> str:
        return quoted.get(value) or str(value)

    return write
