"""Compiles message types into readers: functions from the scanner's values to the arguments that construct the message.

A message is read into a dict of its fields, nested messages and all, so that the protobuf runtime builds the whole tree in one call.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.transcoding._format import LITERAL_OBJECT, JsonFormat, is_map
from gateway.transcoding._invalid_json import MAX_VIOLATIONS, InvalidJson, Violation, shown, wrong_type
from gateway.transcoding._scalars import SCALAR_READERS, Reader, enum_reader, read_bool_text, read_key
from gateway.transcoding._scanner import Literal, Shape, not_an_object
from gateway.transcoding._well_known import FILLERS, TEXT_READERS, WRAPPERS, check_depth

_UNKNOWN = Violation("", "unknown field")
_TWICE = Violation("", "is given twice, in both spellings of its name")


class _Member(NamedTuple):
    name: str
    read: Reader
    takes_null: bool


class Decoder:
    """Readers by message type and field; each type is compiled once, a recursive one too."""

    def __init__(self, format: JsonFormat, pool: DescriptorPool) -> None:
        self._format = format
        self._pool = pool
        self._messages: dict[str, Reader] = {}
        self._shapes: dict[str, Shape] = {}
        self._wholes: dict[str, tuple[Reader, Shape | None]] = {}

    def message(self, descriptor: Descriptor) -> Reader:
        """The reader of any message type: it gives a dict of fields, or the message where its JSON is free in form."""
        name = descriptor.full_name
        if name not in self._messages:
            # What refers to the type while it is being compiled finds the reader when it is called.
            self._messages[name] = lambda value, depth: self._messages[name](value, depth)
            self._messages[name] = self._compiled(descriptor)
        return self._messages[name]

    def whole(self, field: FieldDescriptor) -> tuple[Reader, Shape | None]:
        """The reader of a field that is a document of its own, None for null, and the shape to parse the document with."""
        name = field.full_name
        if name not in self._wholes:
            read = self.field(field)
            nullable = read if _takes_null(field) else lambda value, depth: None if value is None else read(value, depth)
            self._wholes[name] = nullable, self.field_shape(field)
        return self._wholes[name]

    def field(self, field: FieldDescriptor) -> Reader:
        """The reader of a whole field, with its repetition or its keys."""
        if is_map(field):
            return self._map(field)
        return _repeated(self.item(field)) if field.is_repeated else self.item(field)

    def item(self, field: FieldDescriptor) -> Reader:
        """The reader of a field's single value."""
        if kind := self._format.literal_kind(field):
            return _literal(kind)
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is None:
            return SCALAR_READERS[field.type]
        read = enum_reader(field.enum_type, self._format.enum_numbers(field.enum_type), numbers=not self._format.short_enums)
        if field.enum_type.full_name == "google.protobuf.NullValue":
            return lambda value, depth: 0 if value is None else read(value, depth)
        return read

    def shape(self, descriptor: Descriptor) -> Shape | None:
        """Where the literals of the message are; None where it has none."""
        if self._format.literal is None or not self._has_literal(descriptor, set()):
            return None
        name = descriptor.full_name
        if name not in self._shapes:
            shape = self._shapes[name] = Shape()
            for field in descriptor.fields:
                if (member := self.field_shape(field)) is not None:
                    shape.members[field.name] = shape.members[field.json_name] = member
        return self._shapes[name]

    def field_shape(self, field: FieldDescriptor) -> Shape | None:
        if is_map(field):
            values = self._item_shape(_entry(field)[1])
            return None if values is None else Shape(others=values)
        item = self._item_shape(field)
        return Shape(items=item) if item is not None and field.is_repeated else item

    def _item_shape(self, field: FieldDescriptor) -> Shape | None:
        if self._format.literal_kind(field):
            return Shape(literal=True)
        return None if field.message_type is None else self.shape(field.message_type)

    def _has_literal(self, descriptor: Descriptor, seen: set[str]) -> bool:
        seen.add(descriptor.full_name)
        return any(
            self._format.literal_kind(field)
            or (field.message_type is not None and field.message_type.full_name not in seen and self._has_literal(field.message_type, seen))
            for field in descriptor.fields
        )

    def _compiled(self, descriptor: Descriptor) -> Reader:
        name = descriptor.full_name
        if name in TEXT_READERS:
            return TEXT_READERS[name]
        if name in FILLERS:
            return _filled(descriptor)
        if name in WRAPPERS:
            read_wrapped = self.item(descriptor.fields_by_name["value"])
            return lambda value, depth: {"value": read_wrapped(value, depth)}
        return self._any if name == "google.protobuf.Any" else self._fields(descriptor)

    def _fields(self, descriptor: Descriptor) -> Reader:
        own = [(field, _Member(field.name, self.field(field), _takes_null(field))) for field in descriptor.fields]
        # Where one field's proto name is another's JSON name, the JSON name wins.
        members = {field.name: member for field, member in own} | {field.json_name: member for field, member in own}
        oneofs = [[field.name for field in oneof.fields] for oneof in descriptor.oneofs if len(oneof.fields) > 1]

        def read(value: Any, depth: int) -> dict[str, Any]:
            if type(value) is not dict:
                raise not_an_object(value)
            check_depth(depth)
            fields: dict[str, Any] = {}
            faults: list[Violation] = []
            for key, item in value.items():
                if (member := members.get(key)) is None:
                    faults += InvalidJson((_UNKNOWN,)).within(key).violations
                elif item is None and not member.takes_null:
                    # The runtime takes None for absent.
                    fields[member.name] = None
                else:
                    try:
                        fields[member.name] = member.read(item, depth + 1)
                    except InvalidJson as error:
                        faults += error.within(key).violations
                if len(faults) >= MAX_VIOLATIONS:
                    break
            if faults:
                raise InvalidJson(tuple(faults[:MAX_VIOLATIONS]))
            if len(fields) != len(value):
                raise _both_spellings(value, members)
            if oneofs:
                _check_oneofs(fields, oneofs)
            return fields

        return read

    def _map(self, field: FieldDescriptor) -> Reader:
        key_field, value_field = _entry(field)
        read_item = self.item(value_field)
        read_map_key = _key(key_field)

        def read(value: Any, depth: int) -> dict[Any, Any]:
            if type(value) is not dict:
                raise not_an_object(value)
            entries = {}
            for text, item in value.items():
                try:
                    key = read_map_key(text, depth)
                    # The entry is a message of its own on the wire.
                    entries[key] = read_item(item, depth + 1)
                except InvalidJson as error:
                    raise error.within(f"[{shown(text)}]") from None
            if len(entries) != len(value):
                raise InvalidJson.because("has the key 0 twice, as 0 and -0")
            return entries

        return read

    def _any(self, value: Any, depth: int) -> dict[str, Any]:
        if type(value) is not dict:
            raise not_an_object(value)
        check_depth(depth)
        if not value:
            return {}
        content = dict(value)
        url = content.pop("@type", None)
        descriptor = self._type(url)
        read = self.message(descriptor)
        if has_value_member(descriptor):
            if content.keys() != {"value"}:
                raise InvalidJson.because(f'{descriptor.full_name} must be given as "value" alone')
            try:
                fields = read(content["value"], depth + 1)
            except InvalidJson as error:
                raise error.within("value") from None
        else:
            fields = read(content, depth + 1)
        return {"type_url": url, "value": construct(descriptor, fields).SerializePartialToString(deterministic=True)}

    def _type(self, url: Any) -> Descriptor:
        if type(url) is not str:
            raise InvalidJson.because("must name the type of the message").within("@type")
        _, slash, name = url.rpartition("/")
        try:
            if slash:
                return self._pool.FindMessageTypeByName(name)
        except (KeyError, TypeError):  # TypeError: a lone surrogate
            pass
        raise InvalidJson.because(f"unknown type {shown(url)}").within("@type")


def construct(descriptor: Descriptor, fields: Any) -> Message:
    """The message of what its reader gave."""
    message: Message = GetMessageClass(descriptor)(**fields) if type(fields) is dict else fields
    return message


def has_value_member(descriptor: Descriptor) -> bool:
    """Whether the type's JSON form is one of its own, which an Any holds as its member "value"."""
    name = descriptor.full_name
    return name in TEXT_READERS or name in FILLERS or name in WRAPPERS or name == "google.protobuf.Any"


def _takes_null(field: FieldDescriptor) -> bool:
    if field.is_repeated:
        return False
    kind = field.message_type or field.enum_type
    return kind is not None and kind.full_name in ("google.protobuf.Value", "google.protobuf.NullValue")


def _entry(field: FieldDescriptor) -> tuple[FieldDescriptor, FieldDescriptor]:
    assert field.message_type is not None
    fields = field.message_type.fields_by_name
    return fields["key"], fields["value"]


def _key(field: FieldDescriptor) -> Reader:
    if field.type == FieldDescriptor.TYPE_BOOL:
        return read_bool_text
    read = SCALAR_READERS[field.type]
    return read if field.type == FieldDescriptor.TYPE_STRING else read_key(read)


def _repeated(read_item: Reader) -> Reader:
    def read(value: Any, depth: int) -> list[Any]:
        if type(value) is not list:
            raise wrong_type("an array", value)
        items: list[Any] = []
        try:
            for item in value:
                items.append(read_item(item, depth))
        except InvalidJson as error:
            raise error.within(f"[{len(items)}]") from None
        return items

    return read


def _filled(descriptor: Descriptor) -> Reader:
    fill = FILLERS[descriptor.full_name]
    message_class = GetMessageClass(descriptor)

    def read(value: Any, depth: int) -> Any:
        message = message_class()
        fill(message, value, depth)
        return message

    return read


def _literal(kind: int) -> Reader:
    expected = "a JSON object" if kind == LITERAL_OBJECT else "a JSON number"

    def read(value: Any, depth: int) -> str:
        if type(value) is not Literal:
            # Only inside an Any, whose type is not known before it is read.
            raise InvalidJson.because("cannot be given inside google.protobuf.Any")
        first = value[0]
        if first != "{" if kind == LITERAL_OBJECT else first not in "-0123456789":
            raise InvalidJson.because(f"must be {expected}, not {_LITERAL_KINDS.get(first, 'a number')}")
        return value

    return read


_LITERAL_KINDS = {"{": "an object", "[": "an array", '"': "a string", "t": "a boolean", "f": "a boolean"}


def _both_spellings(value: Mapping[str, Any], members: Mapping[str, _Member]) -> InvalidJson:
    seen: set[str] = set()
    for key in value:
        if members[key].name in seen:
            return InvalidJson((_TWICE,)).within(key)
        seen.add(members[key].name)
    raise AssertionError("no field is given twice")


def _check_oneofs(fields: Mapping[str, Any], oneofs: list[list[str]]) -> None:
    for names in oneofs:
        given = [name for name in names if fields.get(name) is not None]
        if len(given) > 1:
            raise InvalidJson.because(f"cannot be given beside {given[0]}").within(given[1])
