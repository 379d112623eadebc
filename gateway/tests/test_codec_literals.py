import json

import pytest

from gateway.tests.codec_fixture import codec, literal_option, message_class, violations
from gateway.transcoding.codec import Codec, InvalidJson, JsonFormat, Violation

FORMAT = JsonFormat(literal=literal_option())


@pytest.fixture
def literals() -> Codec:
    return codec("Literals", FORMAT)


@pytest.mark.parametrize(
    "text", ["{}", '{ "a" : [1.10, -0.0, 1e400, {"b":\n null}] ,"a":"\\ud800\\u0000 é" }', '{"n": ' + "1" * 5000 + "}"]
)
def test_a_document_passes_unchanged_both_ways(literals: Codec, text: str) -> None:
    message = literals.decode(f'{{"document": \t{text}\n, "plain" : "x"}}'.encode())
    assert message == message_class("Literals")(document=text, plain="x")
    assert literals.encode(message) == f'{{"document":{text},"plain":"x"}}'.encode()


@pytest.mark.parametrize("text", ["0", "-0", "1234.50", "1E+400", "0.1000000000000000000000000000001", "9" * 6000])
def test_a_number_keeps_every_digit(literals: Codec, text: str) -> None:
    message = literals.decode(f'{{"amount":{text}}}'.encode())
    assert message == message_class("Literals")(amount=text)
    assert literals.encode(message) == f'{{"amount":{text}}}'.encode()


@pytest.mark.parametrize(
    ("body", "violation"),
    [
        ('{"amount": "1.5"}', Violation("amount", "must be a JSON number, not a string")),
        ('{"amount": {}}', Violation("amount", "must be a JSON number, not an object")),
        ('{"amount": [1]}', Violation("amount", "must be a JSON number, not an array")),
        ('{"amount": true}', Violation("amount", "must be a JSON number, not a boolean")),
        ('{"document": "{}"}', Violation("document", "must be a JSON object, not a string")),
        ('{"document": 1}', Violation("document", "must be a JSON object, not a number")),
        ('{"document": [{}]}', Violation("document", "must be a JSON object, not an array")),
        ('{"items": [{}, {"inner": {"amount": false}}]}', Violation("items[1].inner.amount", "must be a JSON number, not a boolean")),
        ('{"named": {"k": {"amount": ""}}}', Violation("named[k].amount", "must be a JSON number, not a string")),
        ('{"documents": [{}, []]}', Violation("documents[1]", "must be a JSON object, not an array")),
        ('{"documents": {}}', Violation("documents", "must be an array, not an object")),
        ('{"items": {"amount": 1}}', Violation("items", "must be an array, not an object")),
        ('{"inner": [{"amount": 1}]}', Violation("inner", "must be an object, not an array")),
        ('{"document": {}, "document": {}}', Violation("document", "is given twice")),
        ('{"maybeAmount": 1, "maybe_amount": 1}', Violation("maybe_amount", "is given twice, in both spellings of its name")),
    ],
)
def test_another_kind_of_value_is_refused(literals: Codec, body: str, violation: Violation) -> None:
    assert violations(literals, body) == [violation]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"a":}',
        '{"a":1,}',
        "{'a':1}",
        '{"a":01}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":1.}',
        '{"a":"\n"}',
        '{"a":"\\x"}',
        "1 2",
        "+1",
        ".5",
    ],
)
def test_a_literal_is_well_formed_json(literals: Codec, text: str) -> None:
    (violation,) = violations(literals, f'{{"document": {text}, "amount": 1}}')
    assert violation.field == ""
    assert violation.description.startswith("malformed JSON")


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_bottomless_literal_is_refused(literals: Codec, opening: str, closing: str) -> None:
    deep = opening * 100_000 + "1" + closing * 100_000
    assert violations(literals, f'{{"document": {{"a": {deep}}}}}') == [Violation("document", "nested too deeply")]
    assert violations(literals, '{"inner":' * 100_000) == [Violation("", "nested too deeply")]


def test_null_is_absent(literals: Codec) -> None:
    assert not literals.decode(b'{"document": null, "amount": null, "maybeAmount": null, "inner": null}').ListFields()


def test_literals_are_found_in_nested_repeated_and_mapped_messages(literals: Codec) -> None:
    body = b'{"documents":[{},{"a":1.0}],"inner":{"amount":1.0},"items":[{"amount":2.0},{}],"named":{"k":{"amount":3.0}},"maybeAmount":0.0}'
    assert literals.encode(literals.decode(body)) == body


@pytest.mark.parametrize("space", ["", " ", "\n\t\r "])
def test_white_space_may_stand_between_any_two_tokens(literals: Codec, space: str) -> None:
    tokens = [
        "{",
        '"items"',
        ":",
        "[",
        "{",
        '"amount"',
        ":",
        "1",
        ",",
        '"plain"',
        ":",
        '"x"',
        "}",
        ",",
        "{",
        "}",
        "]",
        ",",
        '"documents"',
        ":",
        "[",
        "]",
        "}",
    ]
    message = literals.decode((space + space.join(tokens) + space).encode())
    assert literals.encode(message) == b'{"plain":"x"}' or len(message.items) == 2


def test_a_key_may_be_written_with_escapes(literals: Codec) -> None:
    assert literals.decode(rb'{"\u0061mount": 1}').amount == "1"
    assert violations(literals, r'{"\amount": 1}')[0].description.startswith("malformed JSON")


def test_a_literal_may_be_the_body_or_the_answer(literals: Codec) -> None:
    message = message_class("Literals")()
    literals.decode_field("amount", b" 1.50 ", message)
    literals.decode_field("documents", b'[{"a":1.0}]', message)
    assert (literals.encode_field("amount", message), literals.encode_field("documents", message)) == (b"1.50", b'[{"a":1.0}]')
    with pytest.raises(InvalidJson):
        literals.decode_field("amount", b'"1.50"', message)


def test_text_for_a_literal_must_be_its_json(literals: Codec) -> None:
    descriptor = message_class("Literals").DESCRIPTOR
    message = message_class("Literals")()
    literals.set_text(message, (descriptor.fields_by_name["amount"],), ["1.50"])
    assert message == message_class("Literals")(amount="1.50")
    for text in ("", "1.", " 1", "1 ", '"1"', "{}", "NaN", "[" * 100_000, "\ud800"):
        with pytest.raises(InvalidJson):
            literals.set_text(message, (descriptor.fields_by_name["amount"],), [text])


def test_a_literal_inside_an_any_is_shown_and_not_taken(literals: Codec) -> None:
    message = message_class("Literals")()
    message.details.add().Pack(message_class("Literals")(amount="1.50"))
    shown = literals.encode(message)
    assert shown == b'{"details":[{"@type":"type.googleapis.com/codec.fixture.Literals","amount":1.50}]}'
    assert violations(literals, shown) == [Violation("details[0].amount", "cannot be given inside google.protobuf.Any")]


def test_an_empty_text_is_shown_as_null(literals: Codec) -> None:
    shown = literals.encode(message_class("Literals")(maybe_amount="", documents=["", "{}"]))
    assert json.loads(shown) == {"maybeAmount": None, "documents": [None, {}]}


def test_without_the_option_literals_are_strings() -> None:
    assert codec("Literals").encode(message_class("Literals")(amount="1")) == b'{"amount":"1"}'


def test_the_option_on_what_is_no_string_is_an_error_of_the_proto() -> None:
    with pytest.raises(TypeError, match="for string fields"):
        codec("MisplacedLiteral", FORMAT)
