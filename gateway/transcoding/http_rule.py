"""HttpRule (google/api/http.proto): the annotations of a method, parsed and checked against its messages when the process starts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from gateway.transcoding._template import Template, parse_template

ANY_METHOD = "*"


@dataclass(frozen=True)
class PathVariable:
    """A variable of the path template, and the field of the request that it sets."""

    path: tuple[FieldDescriptor, ...]
    # The segments it spans; no end where its template ends in `**`.
    start: int
    end: int | None
    # A variable of several segments keeps %2F as it is, for in it "/" parts the segments.
    multiple: bool

    @property
    def name(self) -> str:
        return ".".join(field.name for field in self.path)


@dataclass(frozen=True)
class Binding:
    """One mapping of an RPC to HTTP: a method with additional_bindings has several."""

    method: MethodDescriptor
    # GET, PUT …, or ANY_METHOD.
    http_method: str
    template: Template
    variables: tuple[PathVariable, ...]
    # "*", a field of the request, or "" where the request has no body.
    body: str
    # A field of the response, or "" for the whole.
    response_body: str

    @property
    def path_fields(self) -> frozenset[str]:
        """The fields that the path sets, dotted."""
        return frozenset(variable.name for variable in self.variables)


def bindings(method: MethodDescriptor) -> tuple[Binding, ...]:
    """The bindings of a method's google.api.http option in their order; none without one.

    Raises ValueError, naming method and template, where the rule breaks a rule of google/api/http.proto.
    """
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return ()
    rule = options.Extensions[annotations_pb2.http]
    for additional in rule.additional_bindings:
        if additional.additional_bindings:
            raise ValueError(f"{method.full_name}: additional_bindings must not be nested")
    return tuple(_binding(method, each) for each in (rule, *rule.additional_bindings))


def _binding(method: MethodDescriptor, rule: http_pb2.HttpRule) -> Binding:
    http_method, path = _pattern(rule)
    try:
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", http_method):
            raise ValueError("the rule has no pattern, or one of no HTTP method")
        if method.client_streaming:
            raise ValueError("a method with streaming requests cannot be served over HTTP")
        template = parse_template(path)
        variables = tuple(_variables(template, method.input_type))
        _check_body(rule, method, variables)
    except ValueError as error:
        raise ValueError(f"{method.full_name}: {path!r}: {error}") from None
    return Binding(method, http_method, template, variables, rule.body, rule.response_body)


def _pattern(rule: http_pb2.HttpRule) -> tuple[str, str]:
    kind = rule.WhichOneof("pattern")
    if kind is None:
        return "", ""
    if kind == "custom":
        return rule.custom.kind, rule.custom.path
    return kind.upper(), getattr(rule, kind)


def _variables(template: Template, message: Descriptor) -> Iterator[PathVariable]:
    for name, start, end in template.variables:
        yield PathVariable(_field_path(name, message), start, end, multiple=end is None or end - start > 1)


def _field_path(name: str, message: Descriptor) -> tuple[FieldDescriptor, ...]:
    path: list[FieldDescriptor] = []
    within: Descriptor | None = message
    for part in name.split("."):
        field = within.fields_by_name.get(part) if within is not None else None
        if field is None:
            raise ValueError(f"the variable {name} names no field of {message.full_name}")
        if field.is_repeated:
            raise ValueError(f"the variable {name} names a repeated field")
        path.append(field)
        within = field.message_type
    if within is not None:
        raise ValueError(f"the variable {name} names a message; a path has only primitive values")
    return tuple(path)


def _check_body(rule: http_pb2.HttpRule, method: MethodDescriptor, variables: tuple[PathVariable, ...]) -> None:
    if rule.body and rule.body != "*":
        if rule.body not in method.input_type.fields_by_name:
            raise ValueError(f"the body {rule.body} is no field of {method.input_type.full_name}")
        if any(variable.name == rule.body for variable in variables):
            raise ValueError(f"the body {rule.body} is set by the path too")
    if rule.response_body and rule.response_body not in method.output_type.fields_by_name:
        raise ValueError(f"the response_body {rule.response_body} is no field of {method.output_type.full_name}")
