"""JSON Schemas (2020-12) of messages and enums, as the codec reads and writes them, gathered as the components of an OpenAPI document."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway.transcoding._comments import Comments
from gateway.transcoding._format import LITERAL_NUMBER, LITERAL_OBJECT, JsonFormat, is_map
from gateway.transcoding._json_types import SCALARS, WELL_KNOWN, Schema, map_keys, nullable
from gateway.transcoding._well_known import WRAPPERS

_LITERALS: Mapping[int, Schema] = {LITERAL_OBJECT: {"type": "object"}, LITERAL_NUMBER: {"type": "number"}}


class Use(Enum):
    """A message has two schemas: requests are closed and have no output-only fields, responses are open and have no input-only ones."""

    REQUEST = field_behavior_pb2.OUTPUT_ONLY
    RESPONSE = field_behavior_pb2.INPUT_ONLY

    def has(self, field: FieldDescriptor) -> bool:
        return self.value not in behavior(field)


def behavior(field: FieldDescriptor) -> frozenset[int]:
    """The field's google.api.field_behavior (AIP-203)."""
    return frozenset(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


def is_required(field: FieldDescriptor) -> bool:
    return field.is_required or field_behavior_pb2.REQUIRED in behavior(field)


class Schemas:
    """Schemas by message and use; what they share is in `components`, under the name that the proto file gives it.

    A message of both requests and responses has two components: the request's is called as the other with `-Input` after it.
    """

    def __init__(
        self, format: JsonFormat, comments: Comments, refinements: Mapping[str, Schema], package: str, answered: frozenset[str]
    ) -> None:
        """`refinements`: what a schema says more, by the full name of a field or message. `package`: left out of the names of components.
        `answered`: the full names of the messages of responses."""
        self._format = format
        self._comments = comments
        self._refinements = refinements
        self._package = package
        self._answered = answered
        self._components: dict[str, Schema] = {}
        self._refined: set[str] = set()

    @property
    def components(self) -> dict[str, Schema]:
        return dict(sorted(self._components.items()))

    @property
    def unused_refinements(self) -> list[str]:
        return sorted(self._refinements.keys() - self._refined)

    def message(self, descriptor: Descriptor, use: Use) -> Schema:
        """A well-known type's own schema, else a reference to a component."""
        name = descriptor.full_name
        if name in WELL_KNOWN:
            return dict(WELL_KNOWN[name])
        if name in WRAPPERS:
            return dict(SCALARS[descriptor.fields_by_name["value"].type])
        component = self._name(name) + ("-Input" if use is Use.REQUEST and name in self._answered else "")
        if component not in self._components:
            # Where the message holds itself, the reference is all that is needed.
            self._components[component] = {}
            self._components[component] = self._object(descriptor, use, frozenset())
        return _reference(component)

    def body(self, descriptor: Descriptor, component: str, in_path: frozenset[str]) -> Schema:
        """The body `*` of an HttpRule: the request without the fields (dotted paths) that the path sets."""
        if not in_path:
            return self.message(descriptor, Use.REQUEST)
        self._components[component] = self._object(descriptor, Use.REQUEST, in_path)
        return _reference(component)

    def value(self, field: FieldDescriptor, use: Use) -> Schema:
        """The values of a field, with its repetition or its keys, and what the application says of it."""
        if is_map(field):
            assert field.message_type is not None
            key, item = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
            keys = map_keys(key)
            schema = {"type": "object", **({"propertyNames": keys} if keys else {}), "additionalProperties": self._item(item, use)}
        elif field.is_repeated:
            schema = {"type": "array", "items": self._item(field, use)}
        else:
            schema = self._item(field, use)
        return schema | self._refinement(field.full_name)

    def _item(self, field: FieldDescriptor, use: Use) -> Schema:
        if kind := self._format.literal_kind(field):
            return dict(_LITERALS[kind])
        if field.message_type is not None:
            return self.message(field.message_type, use)
        return dict(SCALARS[field.type]) if field.enum_type is None else self._enum(field.enum_type)

    def _enum(self, enum: EnumDescriptor) -> Schema:
        if enum.full_name == "google.protobuf.NullValue":
            return {"type": "null"}
        component = self._name(enum.full_name)
        if component not in self._components:
            names = [name for name, number in self._format.enum_numbers(enum).items() if not self._is_absence(name, number)]
            self._components[component] = {**self._enum_description(enum), "type": "string", "enum": names}
        return _reference(component)

    def _is_absence(self, name: str, number: int) -> bool:
        """Where names are short, "unspecified" is shown by leaving the member out."""
        return self._format.short_enums and number == 0 and name.endswith("unspecified")

    def _enum_description(self, enum: EnumDescriptor) -> Schema:
        shown = self._format.enum_names(enum)
        comments = [(shown[each.number], each.number, self._comments.of(f"{enum.full_name}.{each.name}")) for each in enum.values]
        values = [f"- `{name}`: {_one_line(text)}" for name, number, text in comments if text and not self._is_absence(name, number)]
        return described(self._comments.of(enum.full_name), "\n".join(values))

    def _object(self, descriptor: Descriptor, use: Use, excluded: frozenset[str]) -> Schema:
        """`excluded`: dotted paths of fields to leave out, here and in nested messages."""
        fields = [field for field in descriptor.fields if use.has(field) and field.name not in excluded]
        names = {field.name: self._format.field_name(field) for field in fields}
        choices = _choices(descriptor, names)
        properties = {names[field.name]: self._property(field, use, _within(field, excluded)) for field in fields}
        schema = described(self._comments.of(descriptor.full_name), *map(self._choice_text, choices.items()))
        schema |= {"type": "object", "properties": properties}
        if required := [names[field.name] for field in fields if _must_be_given(field, use, excluded)]:
            schema["required"] = required
        if choices:
            schema["dependentSchemas"] = _exclusions(choices.values(), use)
        if use is Use.REQUEST:
            schema["additionalProperties"] = False
        schema |= self._refinement(descriptor.full_name)
        if "required" in schema:
            schema["required"] = [name for name in schema["required"] if name in properties]
        return schema

    def _property(self, field: FieldDescriptor, use: Use, excluded: frozenset[str]) -> Schema:
        schema = self._nested(field, use, excluded) if excluded else self.value(field, use)
        schema = described(self._comments.of(field.full_name)) | _marks(field) | schema
        if use is Use.REQUEST:
            # null in a request is the same as absent.
            return schema if _must_be_given(field, use, excluded) and not excluded else nullable(schema)
        return nullable(schema) if _is_wrapper(field) else schema

    def _nested(self, field: FieldDescriptor, use: Use, excluded: frozenset[str]) -> Schema:
        assert field.message_type is not None
        schema = self._object(field.message_type, use, excluded)
        return schema if "description" not in schema else {key: value for key, value in schema.items() if key != "description"}

    def _choice_text(self, choice: tuple[str, list[str]]) -> str:
        oneof, names = choice
        return "\n\n".join(part for part in (self._comments.of(oneof), f"At most one of {_listed(names)} is given.") if part)

    def _refinement(self, full_name: str) -> Schema:
        self._refined.add(full_name)
        return dict(self._refinements.get(full_name, {}))

    def _name(self, full_name: str) -> str:
        return full_name.removeprefix(f"{self._package}.") if self._package else full_name


def _reference(component: str) -> Schema:
    return {"$ref": f"#/components/schemas/{component}"}


def described(*texts: str) -> Schema:
    text = "\n\n".join(text for text in texts if text)
    return {"description": text} if text else {}


def _marks(field: FieldDescriptor) -> Schema:
    marks = {
        "deprecated": field.GetOptions().deprecated,
        "readOnly": field_behavior_pb2.OUTPUT_ONLY in behavior(field),
        "writeOnly": field_behavior_pb2.INPUT_ONLY in behavior(field),
    }
    return {name: True for name, holds in marks.items() if holds}


def _must_be_given(field: FieldDescriptor, use: Use, excluded: frozenset[str]) -> bool:
    """A message of which the path sets a part need not be in the body."""
    if use is Use.RESPONSE or _within(field, excluded):
        return field.is_required
    return is_required(field)


def _within(field: FieldDescriptor, excluded: frozenset[str]) -> frozenset[str]:
    return frozenset(path.removeprefix(f"{field.name}.") for path in excluded if path.startswith(f"{field.name}."))


def _is_wrapper(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.full_name in WRAPPERS and not field.is_repeated


def _choices(descriptor: Descriptor, names: Mapping[str, str]) -> dict[str, list[str]]:
    """The names of each oneof's members by its full name; a oneof of one member, such as an optional field's, is no choice."""
    members = {oneof.full_name: [names[field.name] for field in oneof.fields if field.name in names] for oneof in descriptor.oneofs}
    return {oneof: shown for oneof, shown in members.items() if len(shown) > 1}


def _exclusions(choices: Iterable[list[str]], use: Use) -> Schema:
    """With one member given no other may be. Not `oneOf`, which code generators take for a choice of whole types."""
    other: Any = {"type": "null"} if use is Use.REQUEST else False
    return {name: {"properties": {each: other for each in names if each != name}} for names in choices for name in names}


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _one_line(text: str) -> str:
    return " ".join(text.split())
