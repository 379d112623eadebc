"""Path templates, by the grammar in google/api/http.proto, and the percent-encoding of what they match."""

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote_to_bytes


class Wildcard(Enum):
    """The segments of a template that are no literals."""

    ONE = "*"
    MANY = "**"


@dataclass(frozen=True)
class Template:
    """`/v1/{name=shelves/*}:close`: segments ("v1", "shelves", ONE), verb "close", variables (("name", 1, 3),)."""

    text: str
    # Literals are percent-decoded.
    segments: tuple[str | Wildcard, ...]
    verb: str
    # Field path, first segment, segment after the last: None where the variable ends in `**`.
    variables: tuple[tuple[str, int, int | None], ...]


_TEMPLATE = re.compile(r"/(?P<segments>(?:[^{}]|\{[^{}]*\})*?)(?::(?P<verb>[^/:{}]*))?")
_SEGMENT = re.compile(r"\{[^{}]*\}|[^/{}]+")
_FIELD_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
# What no path contains (RFC 3986) or the grammar gives another meaning; other characters may stand in a literal unencoded.
_NOT_LITERAL = re.compile(r"[\s\x00-\x1f\x7f*{}?#]")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_SLASH = re.compile(r"(%2[Ff])")


def parse_template(text: str) -> Template:
    """Raises ValueError, saying why, where the text is no path template."""
    match = _TEMPLATE.fullmatch(text)
    if match is None:
        raise ValueError("a path template starts with / and closes its braces")
    segments: list[str | Wildcard] = []
    variables: list[tuple[str, int, int | None]] = []
    for part in _split(match["segments"]):
        if part.startswith("{"):
            name, _, pattern = part[1:-1].partition("=")
            start = len(segments)
            segments += [_segment(each) for each in (pattern if "=" in part else "*").split("/")]
            variables.append((name, start, None if segments[-1] is Wildcard.MANY else len(segments)))
        else:
            segments.append(_segment(part))
    _check(segments, [name for name, _, _ in variables])
    verb = match["verb"]
    if verb is not None and not segments:
        raise ValueError("a verb needs a segment before it")
    return Template(text, tuple(segments), "" if verb is None else _literal(verb), tuple(variables))


def _split(segments: str) -> list[str]:
    """At each slash outside braces. `/` alone is the template of no segments."""
    if not segments:
        return []
    parts = _SEGMENT.findall(segments)
    if "/".join(parts) != segments:
        raise ValueError("a segment is empty, or a variable is not a segment of its own")
    return parts


def _segment(text: str) -> str | Wildcard:
    return Wildcard(text) if text in ("*", "**") else _literal(text)


def _literal(text: str) -> str:
    if not text:
        raise ValueError("a segment or verb is empty")
    if _NOT_LITERAL.search(text):
        raise ValueError(f"{text!r} is neither a literal nor a wildcard")
    return percent_decode(text)


def _check(segments: list[str | Wildcard], names: list[str]) -> None:
    if Wildcard.MANY in segments[:-1]:
        raise ValueError("** must be the last segment")
    for name in names:
        if not _FIELD_PATH.fullmatch(name):
            raise ValueError(f"{name!r} is not a field path")
        if names.count(name) > 1:
            raise ValueError(f"the variable {name} appears twice")


def percent_decode(text: str, keep_slash: bool = False) -> str:
    """The text of a path segment, strictly: raises ValueError for a broken escape or for what is not UTF-8.

    `text` holds bytes above 127 as surrogates. `keep_slash`: leave %2F and %2f as they are.
    """
    if "%" not in text and text.isascii():
        return text
    if _BROKEN_ESCAPE.search(text):
        raise ValueError("has a % that two hexadecimal digits do not follow")
    if keep_slash:
        return "".join(part if index % 2 else _decode(part) for index, part in enumerate(_ENCODED_SLASH.split(text)))
    return _decode(text)


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode()
    except UnicodeError:
        raise ValueError("is not UTF-8") from None
