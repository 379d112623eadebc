from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gateway.tests.codec_fixture import codec, message_class
from gateway.transcoding.codec import InvalidJson, JsonFormat, Violation


def path(name: str, dotted: str) -> tuple[FieldDescriptor, ...]:
    descriptor = message_class(name).DESCRIPTOR
    fields: list[FieldDescriptor] = []
    for step in dotted.split("."):
        fields.append(descriptor.fields_by_name[step])
        descriptor = fields[-1].message_type or descriptor
    return tuple(fields)


def set_text(name: str, dotted: str, *texts: str, on: Message | None = None, format: JsonFormat | None = None) -> Any:
    message = message_class(name)() if on is None else on
    codec(name, format).set_text(message, path(name, dotted), list(texts))
    return message


def refusal(name: str, dotted: str, *texts: str, on: Message | None = None, format: JsonFormat | None = None) -> Violation:
    with pytest.raises(InvalidJson) as caught:
        set_text(name, dotted, *texts, on=on, format=format)
    (violation,) = caught.value.violations
    return violation


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("an_int32", "-5", -5), ("a_uint64", "18446744073709551615", 2**64 - 1), ("a_double", "1.5", 1.5), ("a_float", "-Infinity", float("-inf")),
        ("a_bool", "true", True), ("a_bool", "false", False), ("a_string", "null é", "null é"), ("a_string", "", ""), ("some_bytes", "-_8", b"\xfb\xff"),
        ("color", "PAINT_COLOR_RED", 1), ("color", "2", 2), ("color", "-1", -1), ("color", "77", 77),
    ],
)  # fmt: skip
def test_a_scalar_is_read_from_its_text(field: str, text: str, value: Any) -> None:
    assert getattr(set_text("Scalars", field, text), field) == value


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("an_int32", ""), ("an_int32", "x"), ("an_int32", "1.5"), ("an_int32", "2147483648"), ("an_int32", "9" * 5000), ("a_uint32", "-1"), ("a_double", "nan"),
        ("a_double", "1e400"), ("a_float", "1e39"), ("a_bool", "True"), ("a_bool", "1"), ("a_bool", ""), ("a_string", "\ud800"), ("some_bytes", "*"),
        ("color", "RED"), ("color", ""), ("color", "1.0"), ("color", "2147483648"), ("color", "9" * 5000), ("color", "１"),
    ],
)  # fmt: skip
def test_what_is_no_text_of_the_type_is_refused(field: str, text: str) -> None:
    assert refusal("Scalars", field, text).field == field


def test_short_enums_are_short_in_texts_too() -> None:
    short = JsonFormat(short_enums=True)
    assert set_text("Scalars", "color", "dark_green", format=short) == message_class("Scalars")(color=2)
    for text in ("PAINT_COLOR_DARK_GREEN", "2", "DARK_GREEN"):
        assert refusal("Scalars", "color", text, format=short).field == "color"


def test_a_path_leads_into_messages_and_makes_them_present() -> None:
    message = set_text("Choice", "inner.inner.scalars.an_int32", "0")
    assert message == message_class("Choice")(inner={"inner": {"scalars": {}}})
    assert message.inner.inner.WhichOneof("kind") == "scalars"
    assert refusal("Choice", "inner.inner.number", "x") == Violation("inner.inner.number", 'must be an integer, not "x"')


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("time", "1970-01-01T00:00:00Z"),
        ("duration", "0s"),
        ("mask", ""),
        ("bool_value", "false"),
        ("int64_value", "0"),
        ("string_value", ""),
    ],
)
def test_well_known_types_with_a_text_are_read_and_present(field: str, text: str) -> None:
    assert set_text("WellKnown", field, text).HasField(field)


def test_texts_of_well_known_types_have_their_meaning() -> None:
    message = set_text("WellKnown", "time", "1970-01-01T00:00:01Z")
    set_text("WellKnown", "mask", "fooBar,b", on=message)
    set_text("WellKnown", "times", "1970-01-01T00:00:02Z", "1970-01-01T00:00:03Z", on=message)
    set_text("WellKnown", "string_values", "a", "", on=message)
    set_text("WellKnown", "bytes_value", "AA", on=message)
    assert message == message_class("WellKnown")(
        time={"seconds": 1},
        mask={"paths": ["foo_bar", "b"]},
        times=[{"seconds": 2}, {"seconds": 3}],
        string_values=[{"value": "a"}, {}],
        bytes_value={"value": b"\0"},
    )
    for field in ("time", "duration", "mask", "bool_value", "int64_value", "times"):
        assert refusal("WellKnown", field, "x y").field.startswith(field)


def test_a_repeated_field_takes_every_text() -> None:
    message = set_text("Repeated", "int32s", "1", "2")
    set_text("Repeated", "int32s", "3", on=message)
    set_text("Repeated", "colors", "PAINT_COLOR_RED", "7", on=message)
    assert message == message_class("Repeated")(int32s=[1, 2, 3], colors=[1, 7])
    assert refusal("Repeated", "int32s", "1", "x").field == "int32s[1]"


def test_any_other_field_takes_one_text() -> None:
    assert refusal("Scalars", "an_int32", "1", "1") == Violation("an_int32", "is given more than once")
    assert refusal("WellKnown", "time", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z").field == "time"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Repeated", "scalars"),
        ("Maps", "strings"),
        ("Optionals", "scalars"),
        ("WellKnown", "struct"),
        ("WellKnown", "value"),
        ("WellKnown", "any"),
    ],
)
def test_messages_and_maps_have_no_text(name: str, field: str) -> None:
    assert refusal(name, field, "x").field == field


def test_a_path_does_not_lead_through_repeated_fields() -> None:
    assert refusal("Repeated", "scalars.an_int32", "1").description == "has no fields that text can set"


def test_two_members_of_a_oneof_are_refused() -> None:
    choice = message_class("Choice")
    assert refusal("Choice", "text", "x", on=choice(number=0)) == Violation("text", "cannot be given beside number")
    assert refusal("Choice", "scalars.an_int32", "1", on=choice(number=0)).field == "scalars.an_int32"
    assert refusal("Choice", "inner.text", "x", on=choice(inner={"number": 0})).field == "inner.text"
    assert set_text("Choice", "scalars.an_int32", "1", on=choice(scalars={"a_bool": True})) == choice(
        scalars={"a_bool": True, "an_int32": 1}
    )


def test_optional_fields_are_present_once_set() -> None:
    assert set_text("Optionals", "an_int32", "0").HasField("an_int32")
