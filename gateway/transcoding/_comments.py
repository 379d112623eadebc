"""The comments of proto files, by the full name of what they describe."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

# AIP-192: remarks in (-- --) are for the authors of an API alone.
_INTERNAL = re.compile(r"\(--.*?--\)", re.DOTALL)
# AIP-192 too: [Shelf][library.v1.Shelf], a link that only the tools of protobuf can follow.
_CROSS_REFERENCE = re.compile(r"\[([^][]+)\]\[[\w.]*\]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")


class Comments:
    """Comments by full name. An enum value's name is its enum's full name, a dot and the value's own name."""

    def __init__(self, sources: FileDescriptorSet | None) -> None:
        """`sources`: as `protoc --include_source_info` writes them; without them there are no comments."""
        files = sources.file if sources is not None else ()
        self._texts = dict(entry for file in files for entry in _comments(file))

    def of(self, full_name: str) -> str:
        """The comment, or "" where there is none."""
        return self._texts.get(full_name, "")

    def summary_of(self, full_name: str) -> tuple[str, str]:
        """The comment's first sentence, on one line and without its full stop, and the rest."""
        paragraph, _, rest = self.of(full_name).partition("\n\n")
        sentence, *others = _SENTENCE_END.split(paragraph, maxsplit=1)
        return " ".join(sentence.split()).removesuffix("."), "\n\n".join(part for part in (*others, rest) if part)


def _comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        text = _clean(location.leading_comments) or _clean(location.trailing_comments)
        name = _full_name(file, location.path) if text else ""
        if name:
            yield name, text


def _clean(comment: str) -> str:
    text = _CROSS_REFERENCE.sub(r"\1", _INTERNAL.sub("", comment))
    lines = [line.removeprefix(" ").rstrip() for line in text.split("\n")]
    return "\n".join(lines).strip()


def _full_name(file: FileDescriptorProto, path: Sequence[int]) -> str:
    """The name of what stands at a location's path, which is pairs of a field number and an index; "" for what has no name of its own."""
    element: Any = file
    names = [file.package] if file.package else []
    if not path or len(path) % 2:
        return ""
    for number, index in zip(path[::2], path[1::2], strict=True):
        field = element.DESCRIPTOR.fields_by_number.get(number)
        if field is None or field.message_type is None or not field.is_repeated:
            return ""
        element = getattr(element, field.name)[index]
        if "name" not in element.DESCRIPTOR.fields_by_name:
            return ""
        names.append(element.name)
    return ".".join(names)
