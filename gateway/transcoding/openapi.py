"""An OpenAPI 3.1 document of annotated gRPC services: what gateway.transcoding.routes serves, in the words of the proto files."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.transcoding._comments import Comments
from gateway.transcoding._format import JsonFormat
from gateway.transcoding._json_types import Schema, nullable
from gateway.transcoding._parameters import Parameters, slots, url_path
from gateway.transcoding._responses import PROBLEM_SCHEMA, problem_components, problem_responses
from gateway.transcoding._schemas import Schemas, Use, described
from gateway.transcoding.http_rule import ANY_METHOD, Binding, bindings

# What a path item can have (https://spec.openapis.org/oas/v3.1.1.html#path-item-object).
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


def openapi(
    services: Sequence[ServiceDescriptor],
    *,
    title: str,
    version: str,
    description: str = "",
    format: JsonFormat | None = None,
    sources: FileDescriptorSet | None = None,
    parameters: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    extra_responses: Mapping[str, Mapping[str, Any]] | None = None,
    extra_paths: Mapping[str, Any] | None = None,
    refinements: Mapping[str, Schema] | None = None,
    security_schemes: Mapping[str, Any] | None = None,
    security: Mapping[str, Sequence[Mapping[str, Sequence[str]]]] | None = None,
) -> dict[str, Any]:
    """The document, the same for the same arguments to the order of its keys. The first three of them go into its `info`.

    format: how JSON looks, as `transcode` takes it.
    sources: the services' files with source info (`protoc --include_imports --include_source_info`), for the comments in them.
    parameters: by the full name of a method, Parameter Objects of what it takes beside its request, such as headers.
    extra_responses: by the full name of a method, Response Objects by status; "200" is merged into the one that is there.
    extra_paths: Path Item Objects of what the application serves itself; `#/components/responses/…` has a problem for each status.
    refinements: by the full name of a field or message, what its schema says more: ranges, formats, required members, examples.
    security_schemes: Security Scheme Objects by name.
    security: by the full name of a method, Security Requirement Objects; such a method may answer 401 and 403, too.

    Each binding is an operation, called as its method, the second one with `_2` after it. A binding of any HTTP method is described as
    POST where it has a body, else as GET; one of a method that OpenAPI 3.1 does not know is left out. Raises ValueError where an annotation
    breaks a rule of google/api/http.proto or an argument speaks of what is not there.
    """
    bound = [binding for service in services for method in service.methods for binding in bindings(method)]
    extras = _Extras(parameters or {}, extra_responses or {}, security or {})
    _refuse("no annotated method", extras.methods - {binding.method.full_name for binding in bound})
    format = format or JsonFormat()
    comments = Comments(sources)
    package = _package(services)
    schemas = Schemas(format, comments, refinements or {}, package, _reached(binding.method.output_type for binding in bound))
    operations = _Operations(comments, schemas, Parameters(format, comments, schemas), extras, _names(bound, package))
    paths = operations.paths(bound)
    _refuse("no field or message of an operation", schemas.unused_refinements)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, **described(description), "version": version},
        "tags": [{"name": _tag(service, package), **described(comments.of(service.full_name))} for service in services],
        "paths": {**paths, **(extra_paths or {})},
        "components": {
            "schemas": dict(sorted({**schemas.components, "Problem": PROBLEM_SCHEMA}.items())),
            "responses": problem_components(bool(security)),
            **({"securitySchemes": security_schemes} if security_schemes else {}),
        },
    }


@dataclass(frozen=True)
class _Names:
    """What an operation and its service are called."""

    tag: str
    operation: str


@dataclass(frozen=True)
class _Extras:
    """What the application says of operations, by the full name of the method."""

    parameters: Mapping[str, Sequence[Mapping[str, Any]]]
    responses: Mapping[str, Mapping[str, Any]]
    security: Mapping[str, Sequence[Mapping[str, Sequence[str]]]]

    @property
    def methods(self) -> set[str]:
        return {*self.parameters, *self.responses, *self.security}


@dataclass(frozen=True)
class _Operations:
    comments: Comments
    schemas: Schemas
    parameters: Parameters
    extras: _Extras
    names: Sequence[_Names]

    def paths(self, bound: Sequence[Binding]) -> dict[str, dict[str, Any]]:
        """The bindings, each an operation. Paths that differ in the names of parameters alone are one: the first binding's names hold."""
        paths: dict[str, dict[str, Any]] = {}
        parameter_names: dict[str, list[str]] = {}
        for binding, names in zip(bound, self.names, strict=True):
            own = [slot.name for slot in slots(binding)]
            shape = url_path(binding, ["" for _ in own])
            parameter_names.setdefault(shape, own)
            method = _http_method(binding)
            item = paths.setdefault(url_path(binding, parameter_names[shape]), {}) if method in _METHODS else {}
            # `/files/*` and `/files/**` are one path here; the first speaks for both.
            if method not in item:
                item[method] = self._operation(binding, names, parameter_names[shape])
        return paths

    def _operation(self, binding: Binding, names: _Names, in_path: Sequence[str]) -> dict[str, Any]:
        method = binding.method
        summary, description = self.comments.summary_of(method.full_name)
        if binding.http_method == ANY_METHOD:
            description = "\n\n".join(text for text in (description, "Any HTTP method will do.") if text)
        extra = [dict(each) for each in self.extras.parameters.get(method.full_name, ())]
        operation = {
            "operationId": names.operation,
            "tags": [names.tag],
            "summary": summary,
            **described(description),
            "security": self.extras.security.get(method.full_name),
            "deprecated": method.GetOptions().deprecated,
            "parameters": [*self.parameters.path(binding, in_path), *self.parameters.query(binding), *extra],
            "requestBody": self._body(binding, names.operation),
            "responses": self._responses(binding),
        }
        return {key: value for key, value in operation.items() if value}

    def _body(self, binding: Binding, operation: str) -> dict[str, Any]:
        if not binding.body:
            return {}
        request = binding.method.input_type
        if binding.body == "*":
            schema = self.schemas.body(request, f"{operation}-Body", binding.path_fields)
            described_by = request.full_name
        else:
            field = request.fields_by_name[binding.body]
            schema = self.schemas.value(field, Use.REQUEST)
            described_by = field.full_name
        content = {"application/json": {"schema": schema}}
        return {**described(self.comments.of(described_by)), "required": True, "content": content}

    def _responses(self, binding: Binding) -> dict[str, Any]:
        extra = dict(self.extras.responses.get(binding.method.full_name, {}))
        success = self._success(binding) | extra.pop("200", {})
        responses = {"200": success, **problem_responses(binding, binding.method.full_name in self.extras.security), **extra}
        return dict(sorted(responses.items()))  # "default" comes after the numbers

    def _success(self, binding: Binding) -> dict[str, Any]:
        response = binding.method.output_type
        if not binding.response_body:
            schema = self.schemas.message(response, Use.RESPONSE)
            text = self.comments.of(response.full_name)
        else:
            field = response.fields_by_name[binding.response_body]
            schema = self.schemas.value(field, Use.RESPONSE)
            if field.message_type is not None and not field.is_repeated:
                schema = nullable(schema)
            text = self.comments.of(field.full_name)
        if binding.method.server_streaming:
            remark = "One JSON document a line, as they come."
            text = f"{text}\n\n{remark}" if text else remark
            return {"description": text, "content": {"application/x-ndjson": {"schema": schema}}}
        return {"description": text or "Success.", "content": {"application/json": {"schema": schema}}}


def _http_method(binding: Binding) -> str:
    if binding.http_method == ANY_METHOD:
        return "post" if binding.body else "get"
    return binding.http_method.lower()


def _package(services: Sequence[ServiceDescriptor]) -> str:
    """The package of all services; "" where they have several, so that names are written out in full."""
    packages = {service.file.package for service in services}
    return packages.pop() if len(packages) == 1 else ""


def _tag(service: ServiceDescriptor, package: str) -> str:
    return service.full_name.removeprefix(f"{package}.") if package else service.full_name


def _names(bound: Sequence[Binding], package: str) -> list[_Names]:
    """The method's name, with the service's where two services have such a method, and a number for all but its first binding."""
    methods = {binding.method.full_name: binding.method.name for binding in bound}
    taken = Counter(methods.values())
    seen: Counter[str] = Counter()
    names = []
    for method in (binding.method for binding in bound):
        tag = _tag(method.containing_service, package)
        name = method.name if taken[method.name] == 1 else f"{tag}_{method.name}".replace(".", "_")
        seen[method.full_name] += 1
        count = seen[method.full_name]
        names.append(_Names(tag, name if count == 1 else f"{name}_{count}"))
    return names


def _reached(descriptors: Iterable[Descriptor]) -> frozenset[str]:
    """The full names of the messages and of all that they hold."""
    found: set[str] = set()
    left = list(descriptors)
    while left:
        descriptor = left.pop()
        if descriptor.full_name not in found:
            found.add(descriptor.full_name)
            left += [field.message_type for field in descriptor.fields if field.message_type is not None]
    return frozenset(found)


def _refuse(what: str, names: Iterable[str]) -> None:
    if unknown := ", ".join(sorted(names)):
        raise ValueError(f"{what}: {unknown}")
