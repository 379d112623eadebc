import json
import math
from typing import Any

import pytest

from gateway.tests.codec_fixture import codec, message_class, violations
from gateway.transcoding.codec import JsonFormat

INT32, INT64 = ["an_int32", "a_sint32", "a_sfixed32"], ["an_int64", "a_sint64", "a_sfixed64"]
UINT32, UINT64 = ["a_uint32", "a_fixed32"], ["a_uint64", "a_fixed64"]
RANGES = [
    *[(name, -(2**31), 2**31 - 1) for name in INT32],
    *[(name, -(2**63), 2**63 - 1) for name in INT64],
    *[(name, 0, 2**32 - 1) for name in UINT32],
    *[(name, 0, 2**64 - 1) for name in UINT64],
]


def decoded(field: str, text: str) -> Any:
    return getattr(codec("Scalars").decode(f'{{"{field}": {text}}}'.encode()), field)


def refusal(field: str, text: str) -> str:
    (violation,) = violations(codec("Scalars"), f'{{"{field}": {text}}}')
    assert violation.field == field
    return violation.description


@pytest.mark.parametrize(("field", "low", "high"), RANGES)
def test_integers_are_taken_over_their_whole_range_and_no_further(field: str, low: int, high: int) -> None:
    for number in (low, high):
        for text in (f"{number}", f'"{number}"', f"{number}.0", f'"{number}.00"', f"{number}.0e+0"):
            assert decoded(field, text) == number, text
    for number in (low - 1, high + 1):
        for text in (f"{number}", f'"{number}"', f"{number}.0"):
            assert refusal(field, text) == f"must be between {low} and {high}", text


@pytest.mark.parametrize(
    ("text", "number"), [("1.0", 1), ("1e2", 100), ("-1E+1", -10), ("120e-1", 12), ('"1e5"', 100000), ("-0", 0), ("-0.0", 0)]
)
def test_an_integer_may_be_written_with_a_fraction_or_an_exponent(text: str, number: int) -> None:
    assert decoded("an_int32", text) == number


@pytest.mark.parametrize(
    "text",
    [
        "0.5", "1e-1", '"0.5"', '""', '" 1"', '"1 "', '"+1"', '"01"', '"1_000"', '"0x10"', '"١"', '"abc"', "true", "[]", "{}",
        "1e999999999", "1e-999999999", "-1e99999999999999999999999", '"1e99999999999999999999999"', "1" * 5000, f'"{"1" * 5000}"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["an_int32", "a_uint64"])
def test_what_is_no_integer_is_refused_by_integer_fields(field: str, text: str) -> None:
    assert refusal(field, text).startswith("must be ")


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1])
def test_64_bit_integers_keep_every_digit(number: int) -> None:
    assert decoded("an_int64", f"{number}.0") == number
    message = message_class("Scalars")(an_int64=number, a_uint64=number, an_int32=5)
    assert codec("Scalars").encode(message) == f'{{"anInt32":5,"anInt64":"{number}","aUint64":"{number}"}}'.encode()


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("1.5", 1.5), ('"1.5"', 1.5), ("-1e2", -100), ('"-Infinity"', -math.inf), ("1e-400", 0)]
)
@pytest.mark.parametrize("field", ["a_double", "a_float"])
def test_floating_fields_take_numbers_and_the_names_of_those_that_json_lacks(field: str, text: str, number: float) -> None:
    assert decoded(field, text) == number


@pytest.mark.parametrize("field", ["a_double", "a_float"])
@pytest.mark.parametrize(
    "text", ['"nan"', '"infinity"', '"inf"', '""', '" 1"', '"1_0"', '"0x1p3"', "true", "[1]", "1e400", "-1e400", "9" * 400, "1" * 5000]
)
def test_what_is_no_number_is_refused_by_floating_fields(field: str, text: str) -> None:
    assert refusal(field, text)


def test_a_float_beyond_32_bits_is_refused_and_the_largest_is_not() -> None:
    assert decoded("a_float", "3.4028235e38") == pytest.approx(3.4028235e38)
    assert refusal("a_float", "3.402824e38") == "is beyond the range of a float"
    assert refusal("a_float", '"-1e39"') == "is beyond the range of a float"
    assert math.isnan(decoded("a_float", '"NaN"'))


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.1, "0.1"), (16777216.0, "16777216.0"), (3.4028234663852886e38, "3.4028235e+38"), (1.17549435e-38, "1.1754944e-38")],
)
def test_a_float_is_shown_with_the_fewest_digits_that_lead_back_to_it(number: float, text: str) -> None:
    assert codec("Scalars").encode(message_class("Scalars")(a_float=number)) == f'{{"aFloat":{text}}}'.encode()


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_numbers_that_json_lacks_are_shown_by_name(number: float) -> None:
    name = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(number)]
    shown = codec("Scalars").encode(message_class("Scalars")(a_float=number, a_double=number))
    assert json.loads(shown) == {"aFloat": name, "aDouble": name}


def test_minus_zero_is_not_a_default() -> None:
    assert codec("Scalars").encode(message_class("Scalars")(a_double=-0.0, a_float=0.0)) == b'{"aDouble":-0.0}'


@pytest.mark.parametrize("text", ['"true"', "1", "0", "[]"])
def test_a_bool_is_true_or_false_without_quotes(text: str) -> None:
    assert decoded("a_bool", "true") is True
    assert refusal("a_bool", text).startswith("must be true or false")


@pytest.mark.parametrize("text", ["1", "1.5", "true", "[]", "{}"])
def test_a_string_is_nothing_else(text: str) -> None:
    assert refusal("a_string", text).startswith("must be a string, not a")


def test_strings_keep_every_character() -> None:
    text = 'quote " backslash \\ newline \n nul \0 delete \x7f separator \u2028 emoji 😀 é'
    body = codec("Scalars").encode(message_class("Scalars")(a_string=text))
    assert json.loads(body) == {"aString": text}
    assert codec("Scalars").decode(body) == message_class("Scalars")(a_string=text)
    assert decoded("a_string", r'"\ud83d\ude00"') == "😀"


@pytest.mark.parametrize("escape", [r"\ud800", r"\udc00", r"\ude00\ud83d"])
def test_a_lone_surrogate_is_refused(escape: str) -> None:
    assert "surrogate" in refusal("a_string", f'"{escape}"')


@pytest.mark.parametrize("text", ["+/8=", "+/8", "-_8=", "-_8"])
def test_bytes_are_taken_in_both_alphabets_with_and_without_padding(text: str) -> None:
    assert decoded("some_bytes", f'"{text}"') == b"\xfb\xff"


@pytest.mark.parametrize("text", ['"+/8=="', '"+"', '"+/8*"', '"+/ 8"', '"="', '"=+/8"', '"é"', "1"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    assert "base64" in refusal("some_bytes", text)


def test_bytes_are_shown_in_standard_base64_with_padding() -> None:
    assert codec("Scalars").encode(message_class("Scalars")(some_bytes=b"\xfb\xff")) == b'{"someBytes":"+/8="}'


@pytest.mark.parametrize(("text", "number"), [('"PAINT_COLOR_RED"', 1), ("1", 1), ("1.0", 1), ("-1", -1), ("77", 77), ("0", 0)])
def test_an_enum_is_taken_by_name_and_by_number_known_or_not(text: str, number: int) -> None:
    assert decoded("color", text) == number


@pytest.mark.parametrize("text", ['"RED"', '"paint_color_red"', '"1"', '""', "2147483648", "1.5", "true", "{}"])
def test_an_enum_value_that_there_is_not_is_refused(text: str) -> None:
    assert refusal("color", text).startswith("must be")


def test_an_enum_is_shown_by_name_and_where_it_has_none_by_number() -> None:
    scalars = message_class("Scalars")
    assert codec("Scalars").encode(scalars(color=2)) == b'{"color":"PAINT_COLOR_DARK_GREEN"}'
    assert codec("Scalars").encode(scalars(color=77)) == b'{"color":77}'
    assert codec("Scalars").encode(scalars(aliased=1)) == b'{"aliased":"BIG"}'
    assert decoded("aliased", '"LARGE"') == 1


def test_short_enums_are_lower_case_without_the_prefix_both_ways_and_in_that_form_only() -> None:
    short = codec("Scalars", JsonFormat(short_enums=True))
    message = message_class("Scalars")(color=2, aliased=1)
    assert short.encode(message) == b'{"color":"dark_green","aliased":"big"}'
    assert short.decode(b'{"color":"dark_green","aliased":"large"}') == message
    for text in ('"PAINT_COLOR_DARK_GREEN"', '"DARK_GREEN"', '"paint_color_dark_green"', "2", '"2"'):
        (violation,) = violations(short, f'{{"color":{text}}}')
        assert violation.description.startswith('must be one of "unspecified", "red", "dark_green", "below_zero", not '), text
    assert short.encode(message_class("Scalars")(color=77)) == b'{"color":77}'


@pytest.mark.parametrize("text", ["null", '"NULL_VALUE"', "0"])
def test_null_is_a_value_of_the_null_enum(text: str) -> None:
    choice = codec("Choice").decode(f'{{"nothing": {text}}}'.encode())
    assert choice == message_class("Choice")(nothing=0)
    assert choice.WhichOneof("kind") == "nothing"
    assert codec("Choice").encode(choice) == b'{"nothing":null}'
