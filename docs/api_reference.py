"""Writes docs/api.md from the proto files, their annotations and their comments: `make api-reference`."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.api import annotations_pb2 as http
from google.api import field_behavior_pb2 as behavior
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.protobuf.descriptor_pb2 import MethodDescriptorProto as Method

from payments.v1 import annotations_pb2 as ours

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "api.md"
SOURCES = ROOT / "proto" / "payments" / "v1" / "payments.binpb"
FILE = "payments/v1/payments.proto"
HEAD = """# The API

Every RPC, message and field, written by `make api-reference` from [payments.proto](../proto/payments/v1/payments.proto).
A running gateway shows the same at `/docs` and `/openapi.json`. Answers that were really given are in the [README](../README.md#rest).
"""
_SERVICE, _METHOD, _MESSAGE, _FIELD, _ENUM, _VALUE = 6, 2, 4, 2, 5, 2  # field numbers of descriptor.proto, of which source paths are made


class Reference:
    """The page of one proto file. Comments are found by their path in the file, as descriptor.proto's SourceCodeInfo has it."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._file = file
        self._comments = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}

    def lines(self) -> Iterator[str]:
        for at, service in enumerate(self._file.service):
            yield from ("", f"## {service.name}", "", self._comment(_SERVICE, at))
            yield from self._overview(service.method)
            for index, method in enumerate(service.method):
                yield from ("", f"### {method.name}", "", self._comment(_SERVICE, at, _METHOD, index), "", self._signature(method))
        yield from ("", "## Messages", "", "JSON is what REST shows; over gRPC every `string` is a string.")
        for at, message in enumerate(self._file.message_type):
            yield from ("", f"### {message.name}", "", self._comment(_MESSAGE, at), "", *self._fields(message, at))
        yield from ("", "## Enumerations")
        for at, enumeration in enumerate(self._file.enum_type):
            yield from ("", f"### {enumeration.name}", "", self._comment(_ENUM, at), "", *self._values(enumeration, at))

    def _comment(self, *path: int) -> str:
        return "\n".join(line.strip() for line in self._comments.get(path, "").splitlines())

    def _cell(self, *path: int) -> str:
        return self._comment(*path).replace("\n", " ").replace("|", "\\|")

    def _overview(self, methods: Iterable[Method]) -> Iterator[str]:
        yield from ("", "| RPC | REST | scope |", "|---|---|---|")
        for method in methods:
            yield f"| [{method.name}](#{method.name.lower()}) | `{_verb_and_path(method)}` | {_scope(method)} |"

    def _signature(self, method: Method) -> str:
        rule = method.options.Extensions[http.http]
        body = f"; body: {'the whole request' if rule.body == '*' else f'`{rule.body}`'}" if rule.body else ""
        answer = f"; answer: `{rule.response_body}` alone" if rule.response_body else ""
        return f"`{_verb_and_path(method)}`{body}{answer}. Takes {_link(method.input_type)}, returns {_link(method.output_type)}."

    def _fields(self, message: DescriptorProto, at: int) -> Iterator[str]:
        yield from ("| field | type | JSON | is | means |", "|---|---|---|---|---|")
        for index, field in enumerate(message.field):
            marks = ", ".join(_behaviors(field))
            yield f"| `{field.name}` | {_type(field)} | {_json(field)} | {marks} | {self._cell(_MESSAGE, at, _FIELD, index)} |"

    def _values(self, enumeration: EnumDescriptorProto, at: int) -> Iterator[str]:
        prefix = re.sub(r"(?<!^)([A-Z])", r"_\1", enumeration.name).upper() + "_"
        yield from ("| gRPC | JSON | means |", "|---|---|---|")
        for index, value in enumerate(enumeration.value):
            shown = f"`{value.name.removeprefix(prefix).lower()}`" if value.number else ""
            yield f"| `{value.name}` = {value.number} | {shown} | {self._cell(_ENUM, at, _VALUE, index)} |"


def _verb_and_path(method: Method) -> str:
    rule = method.options.Extensions[http.http]
    verb = rule.WhichOneof("pattern")
    return f"{verb.upper()} {getattr(rule, verb)}"


def _scope(method: Method) -> str:
    return str(ours.Scope.Name(method.options.Extensions[ours.required_scope])).removeprefix("SCOPE_").lower()


def _link(full_name: str) -> str:
    name = full_name.rpartition(".")[2]
    return f"[{name}](#{name.lower()})" if full_name.startswith(".payments.v1.") else f"`{full_name.removeprefix('.')}`"


def _type(field: FieldDescriptorProto) -> str:
    name = _link(field.type_name) if field.type_name else FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    return f"repeated {name}" if field.label == FieldDescriptorProto.LABEL_REPEATED else name


def _json(field: FieldDescriptorProto) -> str:
    literal = field.options.Extensions[ours.json_literal]
    if literal:
        return str(ours.JsonLiteral.Name(literal)).removeprefix("JSON_LITERAL_").lower()
    kinds = {
        FieldDescriptorProto.TYPE_STRING: "string",
        FieldDescriptorProto.TYPE_ENUM: "string",
        FieldDescriptorProto.TYPE_INT32: "number",
    }
    kind = "string" if field.type_name == ".google.protobuf.Timestamp" else kinds.get(field.type, "object")
    return f"array of {kind}s" if field.label == FieldDescriptorProto.LABEL_REPEATED else kind


def _behaviors(field: FieldDescriptorProto) -> Iterator[str]:
    for each in field.options.Extensions[behavior.field_behavior]:
        yield behavior.FieldBehavior.Name(each).replace("_", " ").lower()


def main() -> None:
    files = FileDescriptorSet.FromString(SOURCES.read_bytes()).file
    reference = Reference(next(file for file in files if file.name == FILE))
    PAGE.write_text(HEAD + "\n".join(reference.lines()) + "\n")


if __name__ == "__main__":
    main()
