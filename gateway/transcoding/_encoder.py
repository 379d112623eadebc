"""Compiles message types into writers: functions from a message to its JSON text."""

import math
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from gateway.transcoding._decoder import has_value_member
from gateway.transcoding._format import JsonFormat, is_map
from gateway.transcoding._scalars import SCALAR_WRITERS, Writer, enum_writer, write_string
from gateway.transcoding._well_known import WRAPPERS, WRITERS


class Encoder:
    """Writers by message type and field; each type is compiled once, a recursive one too."""

    def __init__(self, format: JsonFormat, pool: DescriptorPool) -> None:
        self._format = format
        self._pool = pool
        self._messages: dict[str, Writer] = {}
        self._wholes: dict[str, Writer] = {}

    def message(self, descriptor: Descriptor) -> Writer:
        """The writer of any message type."""
        name = descriptor.full_name
        if name not in self._messages:
            # What refers to the type while it is being compiled finds the writer when it is called.
            self._messages[name] = lambda message: self._messages[name](message)
            self._messages[name] = self._compiled(descriptor)
        return self._messages[name]

    def whole(self, field: FieldDescriptor) -> Writer:
        """The writer of a field that is a document of its own."""
        name = field.full_name
        if name not in self._wholes:
            self._wholes[name] = self.field(field)
        return self._wholes[name]

    def field(self, field: FieldDescriptor) -> Writer:
        """The writer of a whole field, with its repetition or its keys."""
        if is_map(field):
            return self._map(field)
        write = self._item(field)
        return (lambda items: "[" + ",".join([write(item) for item in items]) + "]") if field.is_repeated else write

    def _item(self, field: FieldDescriptor) -> Writer:
        if self._format.literal_kind(field):
            # A server may leave the text empty, which is no JSON value.
            return lambda text: text or "null"
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is None:
            return SCALAR_WRITERS[field.type]
        if field.enum_type.full_name == "google.protobuf.NullValue":
            return lambda number: "null"
        return enum_writer(self._format.enum_names(field.enum_type))

    def _map(self, field: FieldDescriptor) -> Writer:
        assert field.message_type is not None
        key_field = field.message_type.fields_by_name["key"]
        write_scalar = SCALAR_WRITERS[key_field.type]
        # The 64-bit integers and the strings have their quotes already.
        quoted = write_scalar(key_field.default_value).startswith('"')
        write_key: Writer = write_scalar if quoted else lambda key: f'"{write_scalar(key)}"'
        write_value = self._item(field.message_type.fields_by_name["value"])
        return lambda entries: "{" + ",".join([f"{write_key(key)}:{write_value(entries[key])}" for key in entries]) + "}"

    def _compiled(self, descriptor: Descriptor) -> Writer:
        name = descriptor.full_name
        if name in WRITERS:
            return WRITERS[name]
        if name in WRAPPERS:
            write_wrapped = self._item(descriptor.fields_by_name["value"])
            return lambda message: write_wrapped(message.value)
        if name == "google.protobuf.Any":
            return self._any
        write_members = self._fields(descriptor)
        return lambda message: "{" + write_members(message) + "}"

    def _fields(self, descriptor: Descriptor) -> Writer:
        """The members of the object without its braces."""
        fields = sorted(descriptor.fields, key=lambda field: field.number)
        members = [self._member(field) for field in fields]
        return lambda message: ",".join([text for member in members if (text := member(message))])

    def _member(self, field: FieldDescriptor) -> Writer:
        """Key and value, or nothing where the field is absent."""
        name, write = field.name, self.field(field)
        key = write_string(self._format.field_name(field)) + ":"
        if field.has_presence:
            return lambda message: key + write(getattr(message, name)) if message.HasField(name) else ""

        def member(message: Any) -> str:
            value = getattr(message, name)
            return key + write(value) if value else ""

        def floating(message: Any) -> str:
            value = getattr(message, name)
            # -0.0 is not the default value.
            return key + write(value) if value or math.copysign(1, value) < 0 else ""

        return floating if field.type in _FLOATING and not field.is_repeated else member

    def _any(self, message: Any) -> str:
        if not message.type_url and not message.value:
            return "{}"
        descriptor = self._type(message.type_url)
        try:
            content = GetMessageClass(descriptor).FromString(message.value)
        except DecodeError as error:
            raise ValueError(f"google.protobuf.Any: not a {descriptor.full_name}: {error}") from None
        head = f'{{"@type":{write_string(message.type_url)}'
        if has_value_member(descriptor):
            return f'{head},"value":{self.message(descriptor)(content)}}}'
        members = self.message(descriptor)(content)[1:]
        return head + (members if members == "}" else "," + members)

    def _type(self, url: str) -> Descriptor:
        try:
            return self._pool.FindMessageTypeByName(url.rpartition("/")[2])
        except KeyError:
            raise ValueError(f"google.protobuf.Any: unknown type {url}") from None


_FLOATING = (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT)
