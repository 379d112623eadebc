"""The URL of a binding as OpenAPI has it: a path, its parameters and those of the query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.transcoding._comments import Comments
from gateway.transcoding._format import JsonFormat
from gateway.transcoding._json_types import Schema
from gateway.transcoding._schemas import Schemas, Use, described, is_required
from gateway.transcoding._template import Wildcard
from gateway.transcoding._well_known import TEXT_READERS, WRAPPERS
from gateway.transcoding.http_rule import Binding, PathVariable

# Beside letters, digits and -._ what a segment of a path may hold (RFC 3986, pchar).
_UNENCODED = "!$&'()*+,;=:@~"


@dataclass(frozen=True)
class Slot:
    """A wildcard of a path template, which OpenAPI has a parameter for; `variable`: the one it belongs to."""

    name: str
    wildcard: Wildcard
    variable: PathVariable | None


def slots(binding: Binding) -> list[Slot]:
    """Slots are called as their variable, with a number where it has several: `{name=shelves/*/books/*}` has name_1 and name_2.

    A parameter of OpenAPI cannot hold a slash, and not every tool takes a dot in its name.
    """
    found: list[Slot] = []
    wildcards = [(index, segment) for index, segment in enumerate(binding.template.segments) if isinstance(segment, Wildcard)]
    for index, wildcard in wildcards:
        variable = next((each for each in binding.variables if _spans(each, index)), None)
        siblings = [other for other, _ in wildcards if (_spans(variable, other) if variable else not _in_variable(binding, other))]
        name = variable.name.replace(".", "_") if variable else "segment"
        if len(siblings) > 1:
            name += f"_{siblings.index(index) + 1}"
        while name in (slot.name for slot in found):
            name += "_"
        found.append(Slot(name, wildcard, variable))
    return found


def _spans(variable: PathVariable, index: int) -> bool:
    return variable.start <= index and (variable.end is None or index < variable.end)


def _in_variable(binding: Binding, index: int) -> bool:
    return any(_spans(variable, index) for variable in binding.variables)


def url_path(binding: Binding, names: Sequence[str]) -> str:
    """The template with its wildcards as parameters of these names, in their order."""
    verb = f":{quote(binding.template.verb, safe=_UNENCODED)}" if binding.template.verb else ""
    return "/" + _joined(binding.template.segments, names) + verb


def _joined(segments: Sequence[str | Wildcard], names: Sequence[str]) -> str:
    left = iter(names)
    return "/".join(f"{{{next(left)}}}" if isinstance(each, Wildcard) else quote(each, safe=_UNENCODED) for each in segments)


@dataclass(frozen=True)
class Parameters:
    """Makes the parameters of bindings."""

    format: JsonFormat
    comments: Comments
    schemas: Schemas

    def query(self, binding: Binding) -> list[dict[str, Any]]:
        """One for each field that neither path nor body sets and that text can set; those of nested messages by dotted paths."""
        if binding.body == "*":
            return []
        excluded = binding.path_fields | {binding.body}
        return [self._query_parameter(path) for path in _text_fields(binding.method.input_type, (), excluded)]

    def _query_parameter(self, path: tuple[FieldDescriptor, ...]) -> dict[str, Any]:
        field = path[-1]
        parameter: dict[str, Any] = {"name": ".".join(map(self.format.field_name, path)), "in": "query"}
        parameter |= described(self.comments.of(field.full_name))
        if all(map(is_required, path)):
            parameter["required"] = True
        if field.GetOptions().deprecated:
            parameter["deprecated"] = True
        if field.is_repeated:
            parameter |= {"style": "form", "explode": True}
        return parameter | _carried(self.schemas.value(field, Use.REQUEST))

    def path(self, binding: Binding, names: Sequence[str]) -> list[dict[str, Any]]:
        """One for each wildcard of the template, called by these names."""
        return [self._path_parameter(binding, slot, name, names) for slot, name in zip(slots(binding), names, strict=True)]

    def _path_parameter(self, binding: Binding, slot: Slot, name: str, names: Sequence[str]) -> dict[str, Any]:
        parameter: dict[str, Any] = {"name": name, "in": "path"}
        schema: Schema = {"type": "string"}
        remarks = []
        if slot.variable is not None:
            field = slot.variable.path[-1]
            remarks.append(self.comments.of(field.full_name))
            if slot.variable.multiple:
                remarks.append(f"Here `{slot.variable.name}` is `{_part_of(binding, slot.variable, names)}`.")
            else:
                schema = self.schemas.value(field, Use.REQUEST)
        if slot.wildcard is Wildcard.MANY:
            remarks.append("It may span several segments of the path.")
        if schema == {"type": "string"}:
            schema["minLength"] = 1
        return parameter | described(*remarks) | {"required": True} | _carried(schema)


def _part_of(binding: Binding, variable: PathVariable, names: Sequence[str]) -> str:
    segments = binding.template.segments
    before = sum(isinstance(each, Wildcard) for each in segments[: variable.start])
    return _joined(segments[variable.start : variable.end], names[before:])


def _text_fields(
    message: Descriptor, within: tuple[FieldDescriptor, ...], excluded: frozenset[str]
) -> Iterator[tuple[FieldDescriptor, ...]]:
    """The fields that text can set, in their order; a message inside itself is left out."""
    for field in message.fields:
        path = (*within, field)
        kind = field.message_type
        if ".".join(each.name for each in path) in excluded or not Use.REQUEST.has(field):
            continue
        if kind is None or kind.full_name in TEXT_READERS or kind.full_name in WRAPPERS:
            yield path
        elif not field.is_repeated and kind.file.package != "google.protobuf" and kind not in (step.containing_type for step in path):
            yield from _text_fields(kind, path, excluded)


def _carried(schema: Schema) -> dict[str, Any]:
    """A parameter holds an object as JSON text."""
    return {"content": {"application/json": {"schema": schema}}} if schema.get("type") == "object" else {"schema": schema}
