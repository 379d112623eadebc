"""Makes the request message of a binding out of body, path and query."""

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.transcoding._invalid_json import shown
from gateway.transcoding._template import percent_decode
from gateway.transcoding.codec import Codec, InvalidJson
from gateway.transcoding.http_rule import Binding, PathVariable
from gateway.transcoding.problem import Refusal

FieldPath = tuple[FieldDescriptor, ...]


class MessageReader:
    """Reads the requests of one binding."""

    def __init__(self, binding: Binding, codec: Codec) -> None:
        self._codec = codec
        self._variables = binding.variables
        self._body = binding.body
        self._in_path = binding.path_fields
        self._new = GetMessageClass(binding.method.input_type)
        self._descriptor = binding.method.input_type
        self._fields = _by_either_name(binding.method.input_type)

    def read(self, segments: tuple[str, ...], query: bytes, body: bytes) -> Any:
        """`segments`: of the path, percent-encoded. Raises Refusal (400)."""
        try:
            message = self._from_body(body)
            for variable in self._variables:
                self._set_variable(message, variable, segments)
            if query:
                self._set_parameters(message, query)
        except InvalidJson as error:
            raise _refusal(error) from None
        return message

    def _from_body(self, body: bytes) -> Any:
        if not self._body:
            return self._new()
        if not body:
            raise InvalidJson.because("the body is empty; it must be JSON")
        if self._body == "*":
            return self._codec.decode_body(body, self._in_path) if self._in_path else self._codec.decode(body)
        message = self._new()
        self._codec.decode_field(self._body, body, message)
        return message

    def _set_variable(self, message: Message, variable: PathVariable, segments: tuple[str, ...]) -> None:
        encoded = "/".join(segments[variable.start : variable.end])
        try:
            text = percent_decode(encoded, keep_slash=variable.multiple)
        except ValueError as error:
            raise InvalidJson.because(str(error)).within(variable.name) from None
        before = _value(message, variable.path) if self._body else None
        self._codec.set_text(message, variable.path, [text])
        # A body that is one field may hold a variable's field, as AIP-134 has it: a client sends the resource as it got it.
        if before and before != _value(message, variable.path):
            raise InvalidJson.because("differs from the one in the path of the URL").within(variable.name)

    def _set_parameters(self, message: Message, query: bytes) -> None:
        texts: dict[str, list[str]] = {}
        paths: dict[str, FieldPath] = {}
        for name, text in _parameters(query):
            if name.startswith("$"):
                _check_system_parameter(name, text)
                continue
            path = self._path(name)
            key = ".".join(field.name for field in path)
            paths[key] = path
            texts.setdefault(key, []).append(text)
        for key, path in paths.items():
            self._codec.set_text(message, path, texts[key])

    def _path(self, name: str) -> FieldPath:
        """The field of a query parameter, by its name in the proto or in JSON. Refuses one that path or body set."""
        field = self._fields.get(name)
        path = (field,) if field is not None else _nested(name, self._descriptor)
        if path is None:
            raise InvalidJson.because("is no query parameter of this method").within(name)
        if ".".join(each.name for each in path) in self._in_path:
            raise InvalidJson.because("is set by the path of the URL").within(name)
        if self._body in ("*", path[0].name):
            raise InvalidJson.because("belongs into the body").within(name)
        return path


def _refusal(error: InvalidJson) -> Refusal:
    first = error.violations[0]
    detail = f"{first.field}: {first.description}" if first.field else first.description
    return Refusal(detail, violations=error.violations, reason="INVALID_FIELD" if first.field else "MALFORMED_MESSAGE")


def _by_either_name(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    return {field.json_name: field for field in descriptor.fields} | {field.name: field for field in descriptor.fields}


def _nested(name: str, within: Descriptor) -> FieldPath | None:
    path: list[FieldDescriptor] = []
    for part in name.split("."):
        # Well-known types are values in JSON, so that their fields have no names there.
        if path and within.file.package == "google.protobuf":
            return None
        field = _by_either_name(within).get(part)
        if field is None:
            return None
        path.append(field)
        if field.message_type is None:
            break
        within = field.message_type
    return tuple(path) if len(path) == name.count(".") + 1 else None


def _parameters(query: bytes) -> list[tuple[str, str]]:
    """Names and texts of `application/x-www-form-urlencoded`, strictly."""
    pairs = []
    for part in query.decode("utf-8", "surrogateescape").replace("+", " ").split("&"):
        name, _, text = part.partition("=")
        if not part:
            continue
        try:
            pairs.append((percent_decode(name), percent_decode(text)))
        except ValueError as error:
            raise InvalidJson.because(str(error)).within(shown(name)) from None
    return pairs


def _check_system_parameter(name: str, text: str) -> None:
    """https://cloud.google.com/apis/docs/system-parameters: of these only the form of the answer, which is JSON."""
    if name != "$alt":
        raise InvalidJson.because("is no query parameter of this method").within(name)
    if text != "json":
        raise InvalidJson.because("must be json, the only form there is").within(name)


def _value(message: Any, path: FieldPath) -> Any:
    for field in path:
        message = getattr(message, field.name)
    return message
