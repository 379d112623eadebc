import json

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from gateway.tests.codec_fixture import codec, descriptor_set, literal_option, message_class, violations
from gateway.transcoding.codec import Codec, InvalidJson, JsonFormat, Violation


def test_both_spellings_of_a_name_are_taken_and_one_of_them_shown() -> None:
    message = message_class("Scalars")(an_int32=1, renamed="x")
    assert codec("Scalars").decode(b'{"anInt32": 1, "other.name": "x"}') == message
    assert codec("Scalars").decode(b'{"an_int32": 1, "renamed": "x"}') == message
    assert codec("Scalars").encode(message) == b'{"anInt32":1,"other.name":"x"}'
    assert codec("Scalars", JsonFormat(proto_names=True)).encode(message) == b'{"an_int32":1,"renamed":"x"}'


@pytest.mark.parametrize("value", ["1", "null"])
def test_both_spellings_at_once_are_refused(value: str) -> None:
    assert violations(codec("Scalars"), f'{{"anInt32": {value}, "an_int32": 2}}') == [
        Violation("an_int32", "is given twice, in both spellings of its name")
    ]


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("Scalars", '{"anInt32": 1, "anInt32": 1}', "anInt32"),
        ("Scalars", r'{"anInt32": 1, "an\u0049nt32": 1}', "anInt32"),
        ("Repeated", '{"scalars": [{}, {"aBool": true, "aBool": null}]}', "scalars[1].aBool"),
        ("Maps", '{"strings": {"a": "", "a": ""}}', "strings.a"),
        ("WellKnown", '{"struct": {"a": [{"b": 1, "b": 1}]}}', "struct.a[0].b"),
        ("WellKnown", '{"any": {"@type": "x/y", "@type": "x/y"}}', "any.@type"),
        ("Literals", '{"plain": "", "plain": ""}', "plain"),
    ],
)
def test_a_key_given_twice_is_refused(name: str, body: str, field: str) -> None:
    assert violations(codec(name), body) == [Violation(field, "is given twice")]


def test_every_fault_of_an_object_is_named_by_its_path() -> None:
    body = '{"scalars": [{}, {"anInt32": "x", "nonsense": 1, "aBool": 0}], "strings": 5}'
    assert [violation.field for violation in violations(codec("Repeated"), body)] == [
        "scalars[1].anInt32",
        "scalars[1].nonsense",
        "scalars[1].aBool",
        "strings",
    ]


def test_the_number_and_length_of_faults_is_bounded() -> None:
    body = json.dumps({f"x{number}" * 1000: 1 for number in range(1000)})
    faults = violations(codec("Scalars"), body)
    assert len(faults) == 20
    assert all(len(fault.field) <= 64 for fault in faults)


def test_a_key_that_utf_8_cannot_carry_is_named_in_a_form_that_it_can() -> None:
    (violation,) = violations(codec("Scalars"), r'{"\ud800": 1}')
    assert violation.field.encode() == rb"\ud800"


@pytest.mark.parametrize("name", ["anInt32", "aDouble", "aString", "someBytes", "color", "aBool"])
def test_null_is_absent(name: str) -> None:
    body = f'{{"{name}": null}}'.encode()
    assert codec("Scalars").decode(body) == message_class("Scalars")()
    optionals = codec("Optionals").decode(body)
    assert not optionals.ListFields()


def test_null_is_no_item_of_an_array_and_no_value_of_a_map() -> None:
    for body in ('{"int32s": [1, null]}', '{"scalars": [{}, null]}', '{"colors": ["PAINT_COLOR_RED", null]}', '{"strings": ["", null]}'):
        (violation,) = violations(codec("Repeated"), body)
        assert violation.field.endswith("[1]"), body
    for body in ('{"strings": {"k": null}}', '{"scalars": {"k": null}}', '{"times": {"k": null}}', '{"wrapped": {"k": null}}'):
        (violation,) = violations(codec("Maps"), body)
        assert violation.field.endswith("[k]"), body


def test_defaults_are_left_out_unless_the_field_knows_that_it_is_set() -> None:
    assert codec("Scalars").encode(message_class("Scalars")()) == b"{}"
    body = b'{"anInt32":0,"aUint64":"0","aFloat":0.0,"aDouble":0.0,"aBool":false,"aString":"","someBytes":"","color":"PAINT_COLOR_UNSPECIFIED","scalars":{}}'
    message = codec("Optionals").decode(body)
    assert len(message.ListFields()) == 9
    assert codec("Optionals").encode(message) == body


def test_fields_are_shown_in_the_order_of_their_numbers() -> None:
    assert codec("Scalars").encode(codec("Scalars").decode(b'{"aBool": true, "anInt64": 2, "anInt32": 1}')) == (
        b'{"anInt32":1,"anInt64":"2","aBool":true}'
    )


@pytest.mark.parametrize(
    "body",
    [
        '{"number": 1, "text": ""}',
        '{"number": 0, "scalars": {}}',
        '{"nothing": null, "number": 1}',
        '{"value": null, "empty": {}}',
        '{"yes": true, "no": false}',
    ],
)
def test_two_members_of_a_oneof_are_refused(body: str) -> None:
    (violation,) = violations(codec("Choice"), body)
    assert violation.description.startswith("cannot be given beside ")
    (violation,) = violations(codec("Choice"), f'{{"inner": {body}}}')
    assert violation.field.startswith("inner.")


def test_a_null_member_of_a_oneof_is_not_set() -> None:
    choice = message_class("Choice")
    assert codec("Choice").decode(b'{"number": null, "text": "", "yes": true}') == choice(text="", yes=True)
    assert codec("Choice").encode(choice(text="", no=False)) == b'{"text":"","no":false}'


def test_keys_of_maps_are_read_by_their_type() -> None:
    body = b'{"int32s":{"-1":2},"int64s":{"9223372036854775807":"-3"},"bools":{"true":false},"strings":{"":"x"}}'
    message = codec("Maps").decode(body)
    assert (message.int32s[-1], message.int64s[2**63 - 1], message.bools[True], message.strings[""]) == (2, -3, False, "x")
    assert codec("Maps").encode(message) == body


@pytest.mark.parametrize(
    "body",
    [
        '{"int32s": {"x": 1}}', '{"int32s": {"": 1}}', '{"int32s": {"1.0": 1}}', '{"int32s": {"2147483648": 1}}', '{"int32s": {"١": 1}}',
        '{"int32s": {"01": 1}}', '{"int32s": {" 1": 1}}', '{"doubles": {"-1": 1}}', '{"bools": {"TRUE": true}}', '{"bools": {"1": true}}',
        r'{"strings": {"\ud800": ""}}', '{"strings": []}', '{"strings": [["a", "b"]]}', '{"strings": {"a": 1}}', '{"int32s": {"0": 1, "-0": 1}}',
    ],
)  # fmt: skip
def test_a_map_with_a_wrong_key_or_value_is_refused(body: str) -> None:
    assert len(violations(codec("Maps"), body)) == 1


def test_a_recursive_message_is_read_and_written() -> None:
    body = b'{"name":"root","left":{"left":{}},"children":[{"name":"a"},{}],"named":{"x":{"children":[{}]}}}'
    assert codec("Tree").encode(codec("Tree").decode(body)) == body


@pytest.mark.parametrize(("opening", "closing"), [('{"left":', "}"), ('{"children":[', "]}"), ('{"named":{"x":', "}}")])
def test_nesting_ends_where_a_receiver_could_not_parse_the_message(opening: str, closing: str) -> None:
    levels = 50 if "named" in opening else 100
    message = codec("Tree").decode((opening * levels + "{}" + closing * levels).encode())
    assert type(message).FromString(message.SerializeToString()) == message
    for deeper in (levels + 1, 300, 5_000, 50_000):
        faults = violations(codec("Tree"), opening * deeper + "{}" + closing * deeper)
        assert [fault.description for fault in faults] == ["nested too deeply"]


@pytest.mark.parametrize("body", ["null", "[]", "1", '"x"', "true"])
def test_a_message_is_an_object(body: str) -> None:
    (violation,) = violations(codec("Scalars"), body)
    assert violation.field == ""
    assert violation.description.startswith("must be an object, not ")
    assert (
        violations(codec("Optionals"), f'{{"scalars": {body}}}') == [] if body == "null" else [Violation("scalars", violation.description)]
    )


@pytest.mark.parametrize("name", ["Scalars", "Literals"])
@pytest.mark.parametrize(
    ("body", "description"),
    [
        (b"", "malformed JSON at line 1 column 1: Expecting value"),
        (b" \n", "malformed JSON at line 2 column 1: Expecting value"),
        (b"\xef\xbb\xbf{}", "starts with a byte order mark"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8 at byte 6"),
        (b"{} {}", "malformed JSON at line 1 column 4: Extra data"),
        (b"{}\x00", "malformed JSON at line 1 column 3: Extra data"),
        (b'{"aDouble":NaN}', "malformed JSON: NaN is not a JSON value"),
    ],
)
def test_what_is_no_json_document_is_refused_as_a_whole(name: str, body: bytes, description: str) -> None:
    format = JsonFormat(literal=literal_option()) if name == "Literals" else None
    assert violations(codec(name, format), body) == [Violation("", description)]


def test_fields_that_the_path_sets_are_refused_in_the_body() -> None:
    tree, excluded = codec("Tree"), frozenset({"name", "left.name"})
    assert tree.decode_body(b'{"left": {"left": {"name": "x"}}, "name": null}', excluded) == tree.decode(
        b'{"left": {"left": {"name": "x"}}}'
    )
    for body, field in ((b'{"name": ""}', "name"), (b'{"left": {"name": "x"}}', "left.name")):
        with pytest.raises(InvalidJson) as caught:
            tree.decode_body(body, excluded)
        assert caught.value.violations == (Violation(field, "is set by the path of the URL"),)


def test_a_body_may_be_one_field() -> None:
    tree = message_class("Tree")(name="kept")
    codec("Tree").decode_field("left", b'{"name": "x"}', tree)
    codec("Tree").decode_field("children", b'[{"name": "y"}, {}]', tree)
    codec("Tree").decode_field("named", b'{"k": {}}', tree)
    assert codec("Tree").encode(tree) == b'{"name":"kept","left":{"name":"x"},"children":[{"name":"y"},{}],"named":{"k":{}}}'
    codec("Tree").decode_field("name", b'"text"', tree)
    codec("Tree").decode_field("left", b"null", tree)
    assert codec("Tree").encode(tree) == b'{"name":"text","children":[{"name":"y"},{}],"named":{"k":{}}}'


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [("left", b"[]", "left"), ("left", b'{"x": 1}', "left.x"), ("children", b"[{}, 1]", "children[1]"), ("name", b"", "name")],
)
def test_a_fault_in_a_body_that_is_one_field_has_the_path_from_the_message(name: str, body: bytes, field: str) -> None:
    with pytest.raises(InvalidJson) as caught:
        codec("Tree").decode_field(name, body, message_class("Tree")())
    assert caught.value.violations[0].field == field


def test_a_body_that_is_one_member_of_a_oneof_does_not_replace_another() -> None:
    with pytest.raises(InvalidJson):
        codec("Choice").decode_field("text", b'"x"', message_class("Choice")(number=0))


def test_an_answer_may_be_one_field() -> None:
    tree = codec("Tree").decode(b'{"name": "x", "children": [{}]}')
    shown = {name: codec("Tree").encode_field(name, tree) for name in ("name", "left", "children", "named")}
    assert shown == {"name": b'"x"', "left": b"null", "children": b"[{}]", "named": b"{}"}
    assert codec("Scalars").encode_field("an_int64", message_class("Scalars")()) == b'"0"'


def test_a_closed_enum_takes_no_unknown_number() -> None:
    assert codec("Old").encode(codec("Old").decode(b'{"closed": 2}')) == b'{"closed":"SECOND"}'
    assert [fault.field for fault in violations(codec("Old"), '{"closed": 3}')] == ["closed"]


def test_groups_are_messages_and_extensions_are_left_out() -> None:
    body = b'{"number":0,"part":{"name":"x"}}'
    assert codec("Old").encode(codec("Old").decode(body)) == body
    assert violations(codec("Old"), '{"[codec.fixture.extra]": "x"}') == [Violation("[codec.fixture.extra]", "unknown field")]


def test_types_of_another_pool_are_served_as_well() -> None:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_set().file:
        pool.AddSerializedFile(file.SerializeToString())
    own = Codec(pool.FindMessageTypeByName("codec.fixture.WellKnown"))
    body = (
        b'{"time":"2001-02-03T04:05:06Z","mask":"aB","struct":{"a":[null,1.0]},"value":"x","list":[true],'
        b'"any":{"@type":"x/codec.fixture.Scalars","anInt32":1},"boolValue":false,"values":[null,{}]}'
    )
    message = own.decode(body)
    assert isinstance(message, message_factory.GetMessageClass(pool.FindMessageTypeByName("codec.fixture.WellKnown")))
    assert own.encode(message) == body


def test_the_runtime_s_own_types_are_served() -> None:
    file = descriptor_pb2.FileDescriptorProto()
    descriptor_pb2.DESCRIPTOR.CopyToProto(file)
    descriptors = Codec(file.DESCRIPTOR)
    assert descriptors.decode(descriptors.encode(file)) == file
