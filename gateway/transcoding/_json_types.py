"""JSON Schemas of the scalar and well-known types as ProtoJSON has them (https://protobuf.dev/programming-guides/json/)."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as Field

Schema = dict[str, Any]

# What says something of a schema without narrowing it.
_ANNOTATIONS = ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly")


def nullable(schema: Schema) -> Schema:
    """The schema with null beside its own values: in a request null is the same as absent."""
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "null" and not schema.keys() & {"enum", "const"}:
        return {**schema, "type": [kind, "null"]}
    constraints = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
    if not constraints or kind == "null" or (isinstance(kind, list) and "null" in kind):
        return schema
    choices = constraints["anyOf"] if constraints.keys() == {"anyOf"} else [constraints]
    notes = {key: value for key, value in schema.items() if key in _ANNOTATIONS}
    return {**notes, "anyOf": [*(choice for choice in choices if choice != _NULL), _NULL]}


_NULL: Schema = {"type": "null"}


def _integer(form: str, low: int, high: int) -> Schema:
    return {"type": "integer", "format": form, "minimum": low, "maximum": high}


def _floating(form: str) -> Schema:
    return {"anyOf": [{"type": "number", "format": form}, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}]}


_INT32 = _integer("int32", -(2**31), 2**31 - 1)
_UINT32 = _integer("uint32", 0, 2**32 - 1)
# 64-bit integers are strings: a JSON number is a double to many readers.
_INT64: Schema = {"type": "string", "format": "int64", "pattern": "^(0|-?[1-9][0-9]{0,18})$"}
_UINT64: Schema = {"type": "string", "format": "uint64", "pattern": "^(0|[1-9][0-9]{0,19})$"}

SCALARS: Mapping[int, Schema] = {
    **dict.fromkeys((Field.TYPE_INT32, Field.TYPE_SINT32, Field.TYPE_SFIXED32), _INT32),
    **dict.fromkeys((Field.TYPE_UINT32, Field.TYPE_FIXED32), _UINT32),
    **dict.fromkeys((Field.TYPE_INT64, Field.TYPE_SINT64, Field.TYPE_SFIXED64), _INT64),
    **dict.fromkeys((Field.TYPE_UINT64, Field.TYPE_FIXED64), _UINT64),
    Field.TYPE_DOUBLE: _floating("double"),
    Field.TYPE_FLOAT: _floating("float"),
    Field.TYPE_BOOL: {"type": "boolean"},
    Field.TYPE_STRING: {"type": "string"},
    Field.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}

WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string", "description": "The URL of the message's type; the other members are its fields."}},
        "required": ["@type"],
        "additionalProperties": True,
    },
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string", "format": "field-mask"},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Value": {},
}


def map_keys(key: Field) -> Schema:
    """What the keys of a map look like, which in JSON are strings all."""
    if key.type == Field.TYPE_BOOL:
        return {"enum": ["true", "false"]}
    if key.type == Field.TYPE_STRING:
        return {}
    unsigned = key.type in (Field.TYPE_UINT32, Field.TYPE_FIXED32, Field.TYPE_UINT64, Field.TYPE_FIXED64)
    return {"pattern": (_UINT64 if unsigned else _INT64)["pattern"]}
