"""The well-known types with a JSON form of their own that need no descriptor: times, masks and arbitrary JSON values."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from gateway.transcoding._invalid_json import InvalidJson, wrong_type
from gateway.transcoding._scalars import Reader, Writer, read_double, read_string, write_double, write_string
from gateway.transcoding._scanner import Real, not_an_object

# A receiver refuses messages nested deeper: protobuf's default limit in every language.
MAX_DEPTH = 100

_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|([-+])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_DURATION = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?s")
_MASK_PATH = re.compile(r"[a-z][A-Za-z0-9]*(?:\.[a-z][A-Za-z0-9]*)*")
_CAPITAL = re.compile(r"[A-Z]")
_UNDERSCORED = re.compile(r"_([a-z])")

_EPOCH = datetime(1970, 1, 1)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY = 86_400
_TIMESTAMP_SECONDS = range(-62_135_596_800, 253_402_300_800)  # 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z
_MAX_DURATION_SECONDS = 315_576_000_000  # 10,000 years
_NANOS = 1_000_000_000


def check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidJson.because("nested too deeply")


def _read_timestamp(value: Any, depth: int) -> dict[str, int]:
    if type(value) is not str:
        raise wrong_type("an RFC 3339 timestamp as a string", value)
    match = _TIMESTAMP.fullmatch(value)
    if match is None:
        raise InvalidJson.because("must be an RFC 3339 timestamp such as 2006-01-02T15:04:05Z")
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    try:
        since = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second)) - _EPOCH
    except ValueError as error:
        raise InvalidJson.because(f"is not a time: {error}") from None
    seconds = since.days * _DAY + since.seconds
    if sign:
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds += offset if sign == "-" else -offset
    if seconds not in _TIMESTAMP_SECONDS:
        raise InvalidJson.because("must be between 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999999Z")
    return {"seconds": seconds, "nanos": _nanos(fraction)}


def _read_duration(value: Any, depth: int) -> dict[str, int]:
    if type(value) is not str:
        raise wrong_type("a duration as a string", value)
    match = _DURATION.fullmatch(value)
    if match is None:
        raise InvalidJson.because('must be seconds with at most nine decimals and the suffix "s", such as 1.5s')
    seconds, nanos = int(match[2]), _nanos(match[3])
    if seconds > _MAX_DURATION_SECONDS:
        raise InvalidJson.because(f"must be between -{_MAX_DURATION_SECONDS}s and {_MAX_DURATION_SECONDS}s")
    return {"seconds": -seconds, "nanos": -nanos} if match[1] else {"seconds": seconds, "nanos": nanos}


def _nanos(fraction: str | None) -> int:
    return int(fraction.ljust(9, "0")) if fraction else 0


def _read_field_mask(value: Any, depth: int) -> dict[str, list[str]]:
    if type(value) is not str:
        raise wrong_type("a field mask as a string", value)
    paths = value.split(",") if value else []
    if not all(map(_MASK_PATH.fullmatch, paths)):
        raise InvalidJson.because("must be field paths in lowerCamelCase, separated by commas")
    return {"paths": [_CAPITAL.sub(lambda capital: "_" + capital[0].lower(), path) for path in paths]}


def _fill_value(message: Any, value: Any, depth: int) -> None:
    kind = type(value)
    if kind is str:
        message.string_value = read_string(value, depth)
    elif value is None:
        message.null_value = 0
    elif kind is bool:
        message.bool_value = value
    elif kind is int or kind is Real:
        message.number_value = read_double(value, depth)
    elif kind is list:
        message.list_value.SetInParent()
        _fill_list(message.list_value, value, depth + 1)
    else:
        message.struct_value.SetInParent()
        _fill_struct(message.struct_value, value, depth + 1)


def _fill_struct(message: Any, value: Any, depth: int) -> None:
    if type(value) is not dict:
        raise not_an_object(value)
    # A member is two levels down: an entry of the map, and the value in it.
    check_depth(depth + 2)
    fields = message.fields
    for key, item in value.items():
        try:
            _fill_value(fields[read_string(key, depth)], item, depth + 2)
        except InvalidJson as error:
            raise error.within(key) from None


def _fill_list(message: Any, value: Any, depth: int) -> None:
    if type(value) is not list:
        raise wrong_type("an array", value)
    check_depth(depth + 1)
    for index, item in enumerate(value):
        try:
            _fill_value(message.values.add(), item, depth + 1)
        except InvalidJson as error:
            raise error.within(f"[{index}]") from None


def _write_timestamp(message: Any) -> str:
    return _timestamp(message.seconds, message.nanos)


# What is made together has one time, and a message may have it twice.
@lru_cache(maxsize=64)
def _timestamp(seconds: int, nanos: int) -> str:
    if seconds not in _TIMESTAMP_SECONDS or not 0 <= nanos < _NANOS:
        raise ValueError(f"not a timestamp: {seconds} seconds, {nanos} nanos")
    day, second = divmod(seconds, _DAY)
    minute, second = divmod(second, 60)
    return f'"{_date(day)}T{minute // 60:02}:{minute % 60:02}:{second:02}{_fraction(nanos)}Z"'


@lru_cache(maxsize=64)
def _date(day: int) -> str:
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


def _write_duration(message: Any) -> str:
    seconds, nanos = message.seconds, message.nanos
    if abs(seconds) > _MAX_DURATION_SECONDS or abs(nanos) >= _NANOS or seconds * nanos < 0:
        raise ValueError(f"not a duration: {seconds} seconds, {nanos} nanos")
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f'"{sign}{abs(seconds)}{_fraction(abs(nanos))}s"'


def _fraction(nanos: int) -> str:
    """Of 0, 3, 6 or 9 digits."""
    if not nanos:
        return ""
    if nanos % 1_000:
        return f".{nanos:09}"
    return f".{nanos // 1_000:06}" if nanos % 1_000_000 else f".{nanos // 1_000_000:03}"


def _write_field_mask(message: Any) -> str:
    paths = [_UNDERSCORED.sub(lambda letter: letter[1].upper(), path) for path in message.paths]
    for path, shown in zip(message.paths, paths, strict=True):
        if path.lower() != path or "_" in shown or "," in path:
            raise ValueError(f"the path {path!r} of a field mask has no lowerCamelCase form that leads back to it")
    return write_string(",".join(paths))


def _write_value(message: Any) -> str:
    kind = message.WhichOneof("kind")
    if kind == "number_value":
        number = write_double(message.number_value)
        if number[0] == '"':
            raise ValueError(f"google.protobuf.Value cannot hold the number {number}: JSON would take it for a string")
        return number
    return "null" if kind is None else _KINDS[kind](getattr(message, kind))


def _write_struct(message: Any) -> str:
    fields = message.fields
    return "{" + ",".join([f"{write_string(key)}:{_write_value(fields[key])}" for key in fields]) + "}"


def _write_list_value(message: Any) -> str:
    return "[" + ",".join([_write_value(item) for item in message.values]) + "]"


_KINDS: Mapping[str, Callable[[Any], str]] = {
    "null_value": lambda _: "null",
    "bool_value": lambda value: "true" if value else "false",
    "string_value": write_string,
    "struct_value": _write_struct,
    "list_value": _write_list_value,
}

# These have a string as their JSON form, so that a path or a query can hold one.
TEXT_READERS: Mapping[str, Reader] = {
    "google.protobuf.Timestamp": _read_timestamp,
    "google.protobuf.Duration": _read_duration,
    "google.protobuf.FieldMask": _read_field_mask,
}

# These are filled in place: given a dict, a Struct takes it for its JSON instead of its fields.
FILLERS: Mapping[str, Callable[[Any, Any, int], None]] = {
    "google.protobuf.Value": _fill_value,
    "google.protobuf.Struct": _fill_struct,
    "google.protobuf.ListValue": _fill_list,
}

WRITERS: Mapping[str, Writer] = {
    "google.protobuf.Timestamp": _write_timestamp,
    "google.protobuf.Duration": _write_duration,
    "google.protobuf.FieldMask": _write_field_mask,
    "google.protobuf.Value": _write_value,
    "google.protobuf.Struct": _write_struct,
    "google.protobuf.ListValue": _write_list_value,
}

WRAPPERS = frozenset(
    f"google.protobuf.{name}Value" for name in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
)
