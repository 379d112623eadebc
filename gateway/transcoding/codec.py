"""ProtoJSON (https://protobuf.dev/programming-guides/json/) compiled once per message type, for the path that every request takes.

Requests are read strictly: what is not exactly a JSON form of the message is refused with the path of each fault.
"""

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

from gateway.transcoding._decoder import Decoder, construct
from gateway.transcoding._encoder import Encoder
from gateway.transcoding._format import JsonFormat
from gateway.transcoding._invalid_json import InvalidJson, Violation
from gateway.transcoding._scanner import parse
from gateway.transcoding._texts import TextSetter, check_oneof

__all__ = ["Codec", "InvalidJson", "JsonFormat", "Violation"]


class Codec:
    """JSON of one message type, both ways.

    Whatever reads raises InvalidJson, and nothing else, for whatever bytes or texts a client sends. Extensions of proto2 are left out.
    """

    def __init__(self, descriptor: Descriptor, format: JsonFormat | None = None, pool: DescriptorPool | None = None) -> None:
        """`pool`: where google.protobuf.Any finds its types; the descriptor's own pool where it is not given.

        Raises TypeError where a field that is no string is marked as a literal.
        """
        format = format or JsonFormat()
        pool = pool or descriptor.file.pool
        self._descriptor = descriptor
        self._decoder = Decoder(format, pool)
        self._encoder = Encoder(format, pool)
        self._texts = TextSetter(format, self._decoder)
        self._read = self._decoder.message(descriptor)
        self._shape = self._decoder.shape(descriptor)
        self._write = self._encoder.message(descriptor)

    def decode(self, body: bytes) -> Message:
        """The message of a JSON document in UTF-8."""
        return construct(self._descriptor, self._read(parse(body, self._shape), 0))

    def decode_body(self, body: bytes, excluded: frozenset[str]) -> Message:
        """The message of the body `*` of an HttpRule. `excluded`: dotted paths of the fields that the URL sets, refused in the body."""
        fields = self._read(parse(body, self._shape), 0)
        for path in sorted(excluded):
            if _given(fields, path):
                raise InvalidJson.because("is set by the path of the URL").within(path)
        return construct(self._descriptor, fields)

    def decode_field(self, name: str, body: bytes, into: Message) -> None:
        """Sets the field called `name` in the proto file, whole, from the body of an HttpRule that names it; null leaves it absent."""
        field = self._descriptor.fields_by_name[name]
        read, shape = self._decoder.whole(field)
        try:
            value = read(parse(body, shape), 1)
            if value is not None:
                check_oneof(into, field)
        except InvalidJson as error:
            raise error.within(name) from None
        into.ClearField(name)
        into.MergeFrom(construct(self._descriptor, {name: value}))

    def set_text(self, message: Message, path: tuple[FieldDescriptor, ...], texts: list[str]) -> None:
        """Sets the field at the end of `path` from the text of a path variable or a query parameter.

        A repeated field takes all texts, after those it has; any other takes one. Messages have no text, but for timestamps, durations,
        field masks and wrappers. Raises InvalidJson, also where another member of the same oneof is set.
        """
        try:
            self._texts.set(message, path, texts)
        except InvalidJson as error:
            raise error.within(".".join(field.name for field in path)) from None

    def encode(self, message: Message) -> bytes:
        """The message as JSON in UTF-8, fields in the order of their numbers.

        Raises ValueError where the message has no JSON form: a timestamp out of range, an Any of an unknown type, NaN in a Value.
        """
        return self._write(message).encode()

    def encode_field(self, name: str, message: Message) -> bytes:
        """The value of one field, as the response_body of an HttpRule asks: null for an absent message, else the default where not set."""
        field = self._descriptor.fields_by_name[name]
        if field.message_type is not None and not field.is_repeated and not message.HasField(name):
            return b"null"
        return self._encoder.whole(field)(getattr(message, name)).encode()


def _given(fields: Any, path: str) -> bool:
    for name in path.split("."):
        fields = fields.get(name) if type(fields) is dict else None
    return fields is not None
