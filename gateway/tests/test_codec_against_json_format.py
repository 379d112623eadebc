"""The codec against google.protobuf.json_format, on random messages and random JSON."""

import contextlib
import json
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.tests.codec_fixture import codec, literal_option, message_class
from gateway.transcoding._scanner import Shape, parse
from gateway.transcoding.codec import InvalidJson, JsonFormat

TYPES = ["Scalars", "Optionals", "Repeated", "Maps", "Choice", "Tree", "WellKnown", "Old", "Literals"]


def _readable(value: float) -> bool:
    """json_format refuses the largest float as it shows it itself, rounded up."""
    return not 3.4028e38 < abs(value) < float("inf")


# Fields that json_format cannot read a null for: repeated google.protobuf.NullValue and google.protobuf.Value.
_UNREADABLE = ("nulls", "values")


def _one_nan(value: float) -> float:
    """JSON has one NaN; protobuf's wire has many."""
    return value if value == value else float("nan")


SETTINGS = settings(derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_INTEGERS = {
    **dict.fromkeys((Field.TYPE_INT32, Field.TYPE_SINT32, Field.TYPE_SFIXED32), st.integers(-(2**31), 2**31 - 1)),
    **dict.fromkeys((Field.TYPE_INT64, Field.TYPE_SINT64, Field.TYPE_SFIXED64), st.integers(-(2**63), 2**63 - 1)),
    **dict.fromkeys((Field.TYPE_UINT32, Field.TYPE_FIXED32), st.integers(0, 2**32 - 1)),
    **dict.fromkeys((Field.TYPE_UINT64, Field.TYPE_FIXED64), st.integers(0, 2**64 - 1)),
}
_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    **_INTEGERS,
    Field.TYPE_FLOAT: st.floats(width=32).map(_one_nan).filter(_readable),
    Field.TYPE_DOUBLE: st.floats().map(_one_nan),
    Field.TYPE_BOOL: st.booleans(),
    Field.TYPE_STRING: _TEXT,
    Field.TYPE_BYTES: st.binary(max_size=8),
}
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False).map(_one_nan) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_NANOS = st.sampled_from([0, 1, 1000, 120_000, 5_000_000, 999_999_999])
_PATHS = st.lists(st.from_regex(r"[a-z]{1,3}(_[a-z]{1,3})*(\.[a-z]{1,3}(_[a-z]+)?)?", fullmatch=True), max_size=3)


def _parsed(descriptor: Descriptor) -> Callable[[Any], Message]:
    return lambda value: json_format.ParseDict(value, GetMessageClass(descriptor)())


def _well_known(descriptor: Descriptor) -> st.SearchStrategy[Any] | None:
    make = GetMessageClass(descriptor)
    match descriptor.full_name:
        case "google.protobuf.Timestamp":
            return st.builds(make, seconds=st.integers(-62135596800, 253402300799), nanos=_NANOS)
        case "google.protobuf.Duration":
            return st.tuples(st.integers(0, 315576000000), _NANOS, st.sampled_from((1, -1))).map(
                lambda parts: make(seconds=parts[0] * parts[2], nanos=parts[1] * parts[2])
            )
        case "google.protobuf.FieldMask":
            return st.builds(make, paths=_PATHS)
        case "google.protobuf.Value":
            return _JSON.map(_parsed(descriptor))
        case "google.protobuf.Struct":
            return st.dictionaries(_TEXT, _JSON, max_size=3).map(_parsed(descriptor))
        case "google.protobuf.ListValue":
            return st.lists(_JSON, max_size=3).map(_parsed(descriptor))
        case "google.protobuf.Any":
            return st.sampled_from(["Scalars", "Choice", "Maps"]).flatmap(_packed)
    return None


def _packed(name: str) -> st.SearchStrategy[Any]:
    from google.protobuf.any_pb2 import Any as AnyMessage

    return messages(message_class(name).DESCRIPTOR, 0).map(
        lambda content: AnyMessage(type_url=f"x/codec.fixture.{name}", value=content.SerializeToString())
    )


def _item(field: Field, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages(field.message_type, depth - 1)
    if field.enum_type is not None:
        known = st.sampled_from([value.number for value in field.enum_type.values])
        return known if field.enum_type.is_closed or field.enum_type.name == "NullValue" else known | st.integers(-(2**31), 2**31 - 1)
    return _SCALARS[field.type]


def _value(field: Field, depth: int) -> st.SearchStrategy[Any]:
    if not field.is_repeated:
        return _item(field, depth)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        return st.dictionaries(_item(entry["key"], depth), _item(entry["value"], depth), max_size=2)
    return st.lists(_item(field, depth), max_size=3)


@cache
def messages(descriptor: Descriptor, depth: int) -> st.SearchStrategy[Any]:
    well_known = _well_known(descriptor)
    if well_known is not None:
        return well_known

    @st.composite
    def build(draw: st.DrawFn) -> Any:
        # json_format writes null for an item or map value of google.protobuf.NullValue and then does not read it.
        fields = [field for field in descriptor.fields if (depth > 0 or field.message_type is None) and field.name != "nulls"]
        chosen = draw(st.lists(st.sampled_from(fields), max_size=5, unique_by=lambda field: field.number)) if fields else []
        message = GetMessageClass(descriptor)()
        for field in chosen:
            oneof = field.containing_oneof
            if oneof is not None and message.WhichOneof(oneof.name) is not None:
                continue
            _assign(message, field, draw(_value(field, depth)))
        return message

    return build()


def _assign(message: Any, field: Field, value: Any) -> None:
    if field.is_repeated and isinstance(value, dict):
        entries = getattr(message, field.name)
        for key, item in value.items():
            if isinstance(item, Message):
                entries[key].CopyFrom(item)
            else:
                entries[key] = item
    elif field.is_repeated:
        getattr(message, field.name).extend(value)
    elif isinstance(value, Message):
        getattr(message, field.name).CopyFrom(value)
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, value)


def wire(message: Any) -> bytes:
    """Equality that knows NaN and -0.0."""
    serialized: bytes = message.SerializeToString(deterministic=True)
    return serialized


def rounded(value: Any) -> Any:
    """Numbers as 32-bit floats, for the two print the largest of them with different digits."""
    if isinstance(value, float) and abs(value) < 3.5e38:
        return struct.unpack("<f", struct.pack("<f", min(max(value, -3.4028234663852886e38), 3.4028234663852886e38)))[0]
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("proto_names", [False, True])
@SETTINGS
@given(data=st.data())
def test_a_message_is_shown_as_json_format_shows_it_and_read_back_whole(name: str, proto_names: bool, data: st.DataObject) -> None:
    message = data.draw(messages(message_class(name).DESCRIPTOR, 2))
    tested = codec(name, JsonFormat(proto_names=proto_names))
    body = tested.encode(message)
    expected = json_format.MessageToJson(message, preserving_proto_field_name=proto_names)
    assert rounded(json.loads(body)) == rounded(json.loads(expected))
    assert wire(tested.decode(body)) == wire(message)
    assert wire(tested.decode(expected.encode())) == wire(json_format.Parse(expected, message_class(name)()))


CANDIDATES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**33), 2**33)
    | st.sampled_from([1.5, 0.0, -1.0, 1e10, 3.5e38, 2**63, 2**64, -1])
    | st.sampled_from(
        ["", "1", "-1", "1.5", "true", "NaN", "AA==", "AAA", "_-8", "PAINT_COLOR_RED", "NULL_VALUE", "1.5s", "2024-01-01T00:00:00Z", "aB,c"]
    ),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["1", "true", "k", "value", "aString", "an_int32", "name"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.mark.parametrize("name", TYPES)
@settings(SETTINGS, max_examples=150)
@given(data=st.data())
def test_whatever_is_accepted_means_what_json_format_takes_it_for(name: str, data: st.DataObject) -> None:
    names = [
        spelling
        for field in message_class(name).DESCRIPTOR.fields
        for spelling in (field.name, field.json_name)
        if spelling not in _UNREADABLE
    ]
    body = json.dumps(data.draw(st.dictionaries(st.sampled_from(names), CANDIDATES, max_size=3)))
    try:
        message = codec(name).decode(body.encode())
    except InvalidJson:
        return
    assert wire(message) == wire(json_format.Parse(body, message_class(name)()))


# The first are the parts of which malformed JSON is made, so that most examples come near to being JSON.
SCRAPS = st.lists(
    st.sampled_from(
        [
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            '"',
            '"a"',
            '"b"',
            '"c"',
            "\\",
            "\\u00",
            "61",
            "1",
            "-",
            ".",
            "e",
            "0",
            "null",
            "true",
            " ",
            "\n",
            "\x01",
            "NaN",
        ]
    ),
    max_size=12,
).map("".join)


@settings(SETTINGS, max_examples=1500)
@given(
    text=SCRAPS
    | st.tuples(SCRAPS, SCRAPS).map(lambda parts: f'{{"a":{parts[0]}}}{parts[1]}')
    | SCRAPS.map(lambda text: f'{{"c":[{text}]}}')
)
def test_text_is_json_to_the_scanner_where_it_is_to_python(text: str) -> None:
    shape = Shape(members={"a": Shape(literal=True)})
    shape.members["b"] = shape
    shape.members["c"] = Shape(items=shape)
    try:
        json.loads(text, parse_constant=lambda name: json.loads("not JSON"))
        expected = True
    except ValueError:
        expected = False
    for known in (None, shape):
        try:
            parse(text.encode(), known)
            accepted = True
        except InvalidJson:
            accepted = False
        assert accepted == expected


@pytest.mark.parametrize("name", TYPES)
@SETTINGS
@given(data=st.data())
def test_damaged_json_is_refused_or_read_and_never_fails_otherwise(name: str, data: st.DataObject) -> None:
    tested = codec(name, JsonFormat(literal=literal_option()))
    body = bytearray(codec(name).encode(data.draw(messages(message_class(name).DESCRIPTOR, 2))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.binary(max_size=2) | st.sampled_from([b'"', b"{", b"}", b"\\", b"null", b"1e9", b"\xff"])
        )
    try:
        wire(tested.decode(bytes(body)))
    except InvalidJson as error:
        assert error.violations
        assert str(error).encode()


@settings(SETTINGS, max_examples=300)
@given(body=st.binary(max_size=30))
def test_bytes_of_any_kind_are_refused_or_read(body: bytes) -> None:
    with contextlib.suppress(InvalidJson):
        codec("WellKnown").decode(body)
