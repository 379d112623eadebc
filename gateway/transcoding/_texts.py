"""Sets fields from text: the variables of a path and the parameters of a query (google.api.HttpRule)."""

from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from gateway.transcoding._decoder import Decoder
from gateway.transcoding._format import JsonFormat, is_map
from gateway.transcoding._invalid_json import InvalidJson, shown
from gateway.transcoding._scalars import Reader, enum_reader, read_bool_text, read_string
from gateway.transcoding._scanner import Literal, syntactic
from gateway.transcoding._well_known import TEXT_READERS, WRAPPERS


class TextSetter:
    """Reads texts into fields, each field's reader compiled when it is first used."""

    def __init__(self, format: JsonFormat, decoder: Decoder) -> None:
        self._format = format
        self._decoder = decoder
        self._readers: dict[str, Reader] = {}

    def set(self, message: Any, path: tuple[FieldDescriptor, ...], texts: list[str]) -> None:
        for step in path[:-1]:
            if step.is_repeated or step.message_type is None:
                raise InvalidJson.because("has no fields that text can set")
            check_oneof(message, step)
            message = getattr(message, step.name)
        field = path[-1]
        check_oneof(message, field)
        read = self._reader(field)
        if field.is_repeated:
            _extend(getattr(message, field.name), field, read, texts)
        elif len(texts) > 1:
            raise InvalidJson.because("is given more than once")
        elif texts:
            _set(message, field, read(texts[0], 0))

    def _reader(self, field: FieldDescriptor) -> Reader:
        name = field.full_name
        if name not in self._readers:
            self._readers[name] = self._compiled(field)
        return self._readers[name]

    def _compiled(self, field: FieldDescriptor) -> Reader:
        if self._format.literal_kind(field):
            return _literal(self._decoder.item(field))
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        if field.type == FieldDescriptor.TYPE_BOOL:
            return read_bool_text
        if field.message_type is None:
            return self._decoder.item(field)
        name = field.message_type.full_name
        if name in TEXT_READERS:
            return TEXT_READERS[name]
        if name in WRAPPERS:
            read_wrapped = self._compiled(field.message_type.fields_by_name["value"])
            return lambda text, depth: {"value": read_wrapped(text, depth)}
        raise InvalidJson.because("cannot be set from text" if is_map(field) else "has fields of its own, and is set by them")

    def _enum(self, enum: EnumDescriptor) -> Reader:
        names = self._format.enum_numbers(enum)
        read = enum_reader(enum, names, numbers=not self._format.short_enums)
        if self._format.short_enums:
            return read
        return lambda text, depth: read(int(text) if _is_number(text) else text, depth)


def _is_number(text: str) -> bool:
    # Ten digits hold every int32; more are the name of nothing.
    return len(text) <= 11 and text.isascii() and text.removeprefix("-").isdecimal()


def _literal(read: Reader) -> Reader:
    def read_text(text: str, depth: int) -> Any:
        if not syntactic(read_string(text, depth)):
            raise InvalidJson.because(f'must be JSON, not "{shown(text)}"')
        return read(Literal(text), depth)

    return read_text


def check_oneof(message: Any, field: FieldDescriptor) -> None:
    """Refuses the field where another member of its oneof is set."""
    if field.containing_oneof is not None:
        chosen = message.WhichOneof(field.containing_oneof.name)
        if chosen not in (None, field.name):
            raise InvalidJson.because(f"cannot be given beside {chosen}")


def _extend(items: Any, field: FieldDescriptor, read: Reader, texts: list[str]) -> None:
    for index, text in enumerate(texts):
        try:
            value = read(text, 0)
        except InvalidJson as error:
            raise error.within(f"[{index}]") from None
        if field.message_type is None:
            items.append(value)
        else:
            items.add(**value)


def _set(message: Any, field: FieldDescriptor, value: Any) -> None:
    if field.message_type is None:
        setattr(message, field.name, value)
    else:
        message.ClearField(field.name)
        message.MergeFrom(type(message)(**{field.name: value}))
