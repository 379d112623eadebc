"""Conditional requests (RFC 9110, section 13): the headers If-Match and If-None-Match, and the etag that answers carry."""

import re
from dataclasses import dataclass

# An entity tag (RFC 9110, section 8.8.3): a mark for weak ones, then what is between the quotes.
_ENTITY_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_SEPARATOR = re.compile(r"[ \t]*(?:,[ \t]*)+|[ \t]*$")


class MalformedPrecondition(ValueError):
    """A header that is neither `*` nor a list of entity tags."""


@dataclass(frozen=True)
class EntityTags:
    """The value of If-Match or If-None-Match."""

    any: bool
    strong: tuple[str, ...]
    weak: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "EntityTags":
        """Raises MalformedPrecondition."""
        text = text.strip(" \t")
        if text == "*":
            return cls(True, (), ())
        tags: dict[bool, list[str]] = {True: [], False: []}
        at = len(text) - len(text.lstrip(", \t"))
        while at < len(text):
            tag = _ENTITY_TAG.match(text, at)
            end = tag and _SEPARATOR.match(text, tag.end())
            if tag is None or end is None:
                raise MalformedPrecondition('must be * or a list of entity tags such as "1", "2"')
            tags[tag.group(1) is not None].append(tag.group(2))
            at = end.end()
        if not tags[True] and not tags[False]:
            raise MalformedPrecondition("must name at least one entity tag")
        return cls(False, tuple(tags[False]), tuple(tags[True]))

    def none_match(self, etag: str) -> bool:
        """If-None-Match: compared weakly, so that a weak tag matches too."""
        return not (self.any or etag in self.strong or etag in self.weak)


def etag_header(etag: str) -> dict[str, str]:
    return {"ETag": f'"{etag}"'}
