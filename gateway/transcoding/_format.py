"""How this API's JSON differs from standard ProtoJSON, and what its fields and enum values are called there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

LITERAL_OBJECT = 1
LITERAL_NUMBER = 2


@dataclass(frozen=True)
class JsonFormat:
    """Without arguments: standard ProtoJSON.

    proto_names: answers use the names of the proto file instead of lowerCamelCase; requests take both spellings always.
    short_enums: an enum value is shown without its type's prefix and in lower case (`STATUS_INSERTED` as `inserted`), and taken in
        that form only.
    literal: an extension of google.protobuf.FieldOptions, an enum whose 1 marks a string field that holds the text of a JSON object, 2
        that of a JSON number. JSON shows the text itself instead of a quoted string, unchanged to the digit.
    """

    proto_names: bool = False
    short_enums: bool = False
    literal: FieldDescriptor | None = None

    def field_name(self, field: FieldDescriptor) -> str:
        return field.name if self.proto_names else field.json_name

    def enum_names(self, enum: EnumDescriptor) -> Mapping[int, str]:
        """The name shown for each number: with aliases the first, as in the proto file."""
        names: dict[int, str] = {}
        for name, number in self.enum_numbers(enum).items():
            names.setdefault(number, name)
        return names

    def enum_numbers(self, enum: EnumDescriptor) -> Mapping[str, int]:
        """The number of each name that a request may use."""
        full = {value.name: value.number for value in enum.values}
        if not self.short_enums:
            return full
        prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", enum.name).upper() + "_"
        # protoc refuses an enum in which two values would be the same without prefix and case.
        return {name.removeprefix(prefix).lower(): number for name, number in full.items()}

    def literal_kind(self, field: FieldDescriptor) -> int:
        """LITERAL_OBJECT, LITERAL_NUMBER, or 0 for an ordinary field. Raises TypeError for an option on what is not a string."""
        if self.literal is None or not field.has_options:
            return 0
        options: Any = field.GetOptions()  # the stubs know extensions of generated modules only
        kind: int = options.Extensions[self.literal]
        if kind and field.type != FieldDescriptor.TYPE_STRING:
            raise TypeError(f"{field.full_name}: {self.literal.full_name} is for string fields")
        return kind


def is_map(field: FieldDescriptor) -> bool:
    return field.is_repeated and field.message_type is not None and field.message_type.GetOptions().map_entry
