import json
from typing import Any

import pytest
from google.protobuf import any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2

from gateway.tests.codec_fixture import codec, message_class, violations
from gateway.transcoding.codec import Codec

MIN_SECONDS, MAX_SECONDS = -62135596800, 253402300799


def decoded(name: str, text: str) -> Any:
    return getattr(codec("WellKnown").decode(f'{{"{name}": {text}}}'.encode()), name)


def refused(name: str, text: str) -> bool:
    faults = violations(codec("WellKnown"), f'{{"{name}": {text}}}')
    return len(faults) == 1 and faults[0].field.startswith(name)


def shown(name: str, value: Any) -> str:
    return codec("WellKnown").encode_field(name, message_class("WellKnown")(**{name: value})).decode()


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("0001-01-01T00:00:00Z", MIN_SECONDS, 0),
        ("9999-12-31T23:59:59.999999999Z", MAX_SECONDS, 999999999),
        ("1970-01-01T00:00:00.1Z", 0, 100000000),
        ("1969-12-31T23:59:59.000000001Z", -1, 1),
        ("1970-01-01T01:00:00+01:00", 0, 0),
        ("1969-12-31T12:30:00.5-11:30", 0, 500000000),
        ("2024-02-29T00:00:00-00:00", 1709164800, 0),
        ("0001-01-01T08:00:00+08:00", MIN_SECONDS, 0),
    ],
)
def test_timestamps_are_taken_at_any_offset(text: str, seconds: int, nanos: int) -> None:
    time = decoded("time", f'"{text}"')
    assert (time.seconds, time.nanos) == (seconds, nanos)


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01t00:00:00Z", "2024-01-01T00:00:00z", "2024-01-01 00:00:00Z", " 2024-01-01T00:00:00Z",
        "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00.1234567890Z", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+01:60", "2024-01-01T00:00:00+0100",
        "0000-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "２024-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z\\n",
    ],
)  # fmt: skip
def test_what_is_no_timestamp_is_refused(text: str) -> None:
    assert refused("time", f'"{text}"')


@pytest.mark.parametrize(
    ("nanos", "fraction"), [(0, ""), (1, ".000000001"), (1000, ".000001"), (1000000, ".001"), (500000000, ".500"), (123456000, ".123456")]
)
def test_times_are_shown_with_as_many_digits_as_they_need(nanos: int, fraction: str) -> None:
    assert shown("time", timestamp_pb2.Timestamp(seconds=86399, nanos=nanos)) == f'"1970-01-01T23:59:59{fraction}Z"'
    assert shown("duration", duration_pb2.Duration(seconds=3, nanos=nanos)) == f'"3{fraction}s"'
    assert shown("duration", duration_pb2.Duration(seconds=0, nanos=-nanos)) == (f'"-0{fraction}s"' if nanos else '"0s"')


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("0s", 0, 0),
        ("1.5s", 1, 500000000),
        ("-1.5s", -1, -500000000),
        ("-0.000000001s", 0, -1),
        ("315576000000s", 315576000000, 0),
        ("007s", 7, 0),
    ],
)
def test_durations_are_seconds(text: str, seconds: int, nanos: int) -> None:
    duration = decoded("duration", f'"{text}"')
    assert (duration.seconds, duration.nanos) == (seconds, nanos)


@pytest.mark.parametrize(
    "text", ['""', '"1"', '"1S"', '"1.s"', '".5s"', '"+1s"', '"1 s"', '"1.0000000001s"', '"315576000001s"', '"1m"', "1", '"١s"']
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert refused("duration", text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time", timestamp_pb2.Timestamp(seconds=MAX_SECONDS + 1)),
        ("time", timestamp_pb2.Timestamp(seconds=MIN_SECONDS - 1)),
        ("time", timestamp_pb2.Timestamp(nanos=-1)),
        ("time", timestamp_pb2.Timestamp(nanos=1000000000)),
        ("duration", duration_pb2.Duration(seconds=315576000001)),
        ("duration", duration_pb2.Duration(seconds=1, nanos=-1)),
        ("duration", duration_pb2.Duration(nanos=1000000000)),
        ("mask", field_mask_pb2.FieldMask(paths=["fooBar"])),
        ("mask", field_mask_pb2.FieldMask(paths=["foo__bar"])),
        ("mask", field_mask_pb2.FieldMask(paths=["foo_3"])),
        ("value", struct_pb2.Value(number_value=float("nan"))),
        ("struct", struct_pb2.Struct(fields={"a": struct_pb2.Value(number_value=float("inf"))})),
        ("any", any_pb2.Any(type_url="x/no.such.Type")),
        ("any", any_pb2.Any(value=b"x")),
        ("any", any_pb2.Any(type_url="x/codec.fixture.Scalars", value=b"\xff")),
    ],
)
def test_what_has_no_json_form_is_not_shown(name: str, value: Any) -> None:
    with pytest.raises(ValueError):
        shown(name, value)


def test_field_masks_change_their_spelling() -> None:
    assert list(decoded("mask", '"fooBar,a.bC.d1"').paths) == ["foo_bar", "a.b_c.d1"]
    assert not decoded("mask", '""').paths
    assert shown("mask", field_mask_pb2.FieldMask(paths=["foo_bar", "a.b_c"])) == '"fooBar,a.bC"'
    for text in ('"foo_bar"', '"a,,b"', '","', '"a b"', '"a."', "[]", '"é"'):
        assert refused("mask", text), text


@pytest.mark.parametrize("text", ["null", "true", '"x"', "1.5", "[]", "{}", '[null, {"a": [1.0, {"b": null}]}]', '{"": {"": []}}'])
def test_a_value_is_any_json(text: str) -> None:
    message = codec("WellKnown").decode(f'{{"value": {text}, "values": [{text}]}}'.encode())
    assert json.loads(codec("WellKnown").encode(message)) == {"value": json.loads(text), "values": [json.loads(text)]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("struct", "[]"), ("struct", '"x"'), ("list", "{}"), ("list", "1"), ("value", "1e400"), ("value", "1" * 400), ("value", "1" * 5000),
        ("value", r'"\ud800"'), ("struct", r'{"\udfff": 1}'), ("list", r'[["\ud800"]]'), ("value", '{"a": 1, "a": 1}'),
    ],
)  # fmt: skip
def test_what_a_struct_cannot_hold_is_refused(name: str, text: str) -> None:
    assert refused(name, text)


@pytest.mark.parametrize(
    ("name", "opening", "closing", "limit"),
    [("value", '{"a":', "}", 33), ("value", "[", "]", 49), ("struct", '{"a":', "}", 33), ("list", "[", "]", 50)],
)
def test_free_json_ends_where_a_receiver_could_not_parse_it(name: str, opening: str, closing: str, limit: int) -> None:
    message = codec("WellKnown").decode(f'{{"{name}": {opening * limit}1{closing * limit}}}'.encode())
    assert type(message).FromString(message.SerializeToString()) == message
    assert codec("WellKnown").decode(codec("WellKnown").encode(message)) == message
    for deeper in (limit + 1, 5_000):
        (violation,) = violations(codec("WellKnown"), f'{{"{name}": {opening * deeper}1{closing * deeper}}}')
        assert violation.description == "nested too deeply"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bool_value", "false"), ("bytes_value", '"AA=="'), ("double_value", "0.0"), ("float_value", '"NaN"'), ("int32_value", "-1"),
        ("int64_value", '"9007199254740993"'), ("string_value", '""'), ("uint32_value", "4294967295"), ("uint64_value", '"18446744073709551615"'),
    ],
)  # fmt: skip
def test_wrappers_are_their_value_and_null_is_no_wrapper(name: str, text: str) -> None:
    message = codec("WellKnown").decode(f'{{"{name}": {text}}}'.encode())
    assert message.HasField(name)
    assert codec("WellKnown").encode_field(name, message) == text.encode()
    assert not codec("WellKnown").decode(f'{{"{name}": null}}'.encode()).HasField(name)
    assert refused(name, '{"value": 1}')


@pytest.mark.parametrize(
    "text",
    [
        '{"@type":"type.googleapis.com/codec.fixture.Scalars","anInt32":1}',
        '{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.500s"}',
        '{"@type":"type.googleapis.com/google.protobuf.Int64Value","value":"5"}',
        '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"a":[null]}}',
        '{"@type":"type.googleapis.com/google.protobuf.Value","value":null}',
        '{"@type":"type.googleapis.com/google.protobuf.Empty"}',
        '{"@type":"x/google.protobuf.Any","value":{"@type":"x/codec.fixture.Scalars","aBool":true}}',
        '{"@type":"x/google.protobuf.Any","value":{}}',
        '{"@type":"x/codec.fixture.WellKnown","any":{"@type":"x/codec.fixture.Scalars"}}',
        "{}",
    ],
)
def test_an_any_names_its_type_and_shows_its_content(text: str) -> None:
    assert codec("WellKnown").encode(codec("WellKnown").decode(f'{{"any":{text}}}'.encode())) == f'{{"any":{text}}}'.encode()


def test_the_type_of_an_any_may_come_last() -> None:
    message = decoded("any", '{"anInt32": 1, "@type": "x/codec.fixture.Scalars"}')
    assert message == any_pb2.Any(type_url="x/codec.fixture.Scalars", value=b"\x08\x01")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"anInt32": 1}', "any.@type"),
        ('{"@type": "", "value": ""}', "any.@type"),
        ('{"@type": 5}', "any.@type"),
        ('{"@type": null}', "any.@type"),
        ('{"@type": "codec.fixture.Scalars"}', "any.@type"),
        ('{"@type": "x/no.such.Type"}', "any.@type"),
        (r'{"@type": "x/\ud800"}', "any.@type"),
        ('{"@type": "x/codec.fixture.PaintColor"}', "any.@type"),
        ('{"@type": "x/google.protobuf.Duration"}', "any"),
        ('{"@type": "x/google.protobuf.Duration", "value": "1s", "more": 1}', "any"),
        ('{"@type": "x/google.protobuf.Duration", "value": "1"}', "any.value"),
        ('{"@type": "x/codec.fixture.Scalars", "anInt32": "x"}', "any.anInt32"),
        ('{"@type": "x/codec.fixture.Scalars", "value": {}}', "any.value"),
        ("[]", "any"),
    ],
)
def test_an_any_of_another_form_is_refused(text: str, field: str) -> None:
    assert [fault.field for fault in violations(codec("WellKnown"), f'{{"any": {text}}}')] == [field]


def test_any_in_any_ends_somewhere() -> None:
    deep = '{"@type":"x/google.protobuf.Any","value":' * 200 + "{}" + "}" * 200
    (violation,) = violations(codec("WellKnown"), f'{{"any": {deep}}}')
    assert violation.description == "nested too deeply"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (empty_pb2.Empty(), b"{}"),
        (timestamp_pb2.Timestamp(seconds=1), b'"1970-01-01T00:00:01Z"'),
        (wrappers_pb2.StringValue(value="x"), b'"x"'),
        (struct_pb2.Value(null_value=struct_pb2.NULL_VALUE), b"null"),
        (struct_pb2.ListValue(), b"[]"),
        (struct_pb2.Struct(), b"{}"),
        (any_pb2.Any(), b"{}"),
    ],
)
def test_a_document_may_be_a_well_known_type(message: Any, text: bytes) -> None:
    document = Codec(message.DESCRIPTOR)
    assert document.encode(message) == text
    assert document.decode(text) == message


def test_empty_has_no_fields() -> None:
    assert refused("empty", '{"x": 1}')
    assert codec("WellKnown").decode(b'{"empty": {}}').HasField("empty")
