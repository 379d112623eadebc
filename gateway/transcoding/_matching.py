"""Finds the binding of a request: literals before variables, longer templates first, whatever the order of declaration."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gateway.transcoding._template import Template, Wildcard, percent_decode
from gateway.transcoding.http_rule import ANY_METHOD

Target = TypeVar("Target")

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:")


@dataclass
class _Node(Generic[Target]):
    """What may follow the segments that lead here, and what ends here: verb → HTTP method → target."""

    literals: dict[str, "_Node[Target]"] = field(default_factory=dict)
    one: "_Node[Target] | None" = None
    many: "_Node[Target] | None" = None
    ends: dict[str, dict[str, Target]] = field(default_factory=dict)

    def child(self, segment: str | Wildcard) -> "_Node[Target]":
        if segment is Wildcard.ONE:
            self.one = self.one or _Node()
            return self.one
        if segment is Wildcard.MANY:
            self.many = self.many or _Node()
            return self.many
        return self.literals.setdefault(segment, _Node())


@dataclass(frozen=True)
class Matched(Generic[Target]):
    """A target and the segments of the path, still percent-encoded and without the verb; none where the template has no variables."""

    target: Target
    segments: tuple[str, ...] = ()


class Matcher(Generic[Target]):
    """A tree of path templates."""

    def __init__(self) -> None:
        self._root: _Node[Target] = _Node()
        self._verbs: set[str] = set()
        # A path that is a template to the letter needs no walk: the same methods as at its end in the tree.
        self._static: dict[bytes, dict[str, Target]] = {}

    def add(self, template: Template, http_method: str, target: Target) -> None:
        """Raises ValueError where the same paths have a target for this method already."""
        node = self._root
        for segment in template.segments:
            node = node.child(segment)
        methods = node.ends.setdefault(template.verb, {})
        if http_method in methods:
            raise ValueError(f"{http_method} {template.text} is bound twice: its paths belong to another binding too")
        methods[http_method] = target
        if template.verb:
            self._verbs.add(template.verb)
        if _PLAIN.issuperset(template.text):
            self._static[template.text.encode()] = methods

    def match(self, path: bytes, http_method: str) -> Matched[Target] | None:
        """The most specific target of a raw path that takes this method."""
        static = self._static.get(path)
        target = None if static is None else _choose(static, http_method)
        if target is not None:
            return Matched(target)
        for methods, segments in self._ends(path):
            target = _choose(methods, http_method)
            if target is not None:
                return Matched(target, segments)
        return None

    def allowed(self, path: bytes) -> list[str]:
        """The methods that have a target at this path, sorted; HEAD wherever GET is. Empty for an unknown path."""
        names = {name for methods, _ in self._ends(path) for name in methods}
        return sorted(names | {"HEAD"} if "GET" in names else names)

    def _ends(self, path: bytes) -> Iterator[tuple[dict[str, Target], tuple[str, ...]]]:
        text = path.decode("utf-8", "surrogateescape")
        if not text.startswith("/"):
            return
        segments = text[1:].split("/") if len(text) > 1 else []
        if segments:
            last, colon, verb = segments[-1].rpartition(":")
            literal = _literal(verb)
            if colon and literal in self._verbs:
                yield from _walk(self._root, (*segments[:-1], last), 0, literal)
        yield from _walk(self._root, tuple(segments), 0, "")


def _walk(node: _Node[Target], segments: tuple[str, ...], index: int, verb: str) -> Iterator[tuple[dict[str, Target], tuple[str, ...]]]:
    if index == len(segments):
        if verb in node.ends:
            yield node.ends[verb], segments
    else:
        segment = segments[index]
        following = node.literals.get(_literal(segment))
        if following is not None:
            yield from _walk(following, segments, index + 1, verb)
        if node.one is not None and segment:
            yield from _walk(node.one, segments, index + 1, verb)
    if node.many is not None and verb in node.many.ends:
        yield node.many.ends[verb], segments


def _literal(segment: str) -> str:
    """The segment decoded; empty, which no literal is, where that fails."""
    try:
        return percent_decode(segment)
    except ValueError:
        return ""


def _choose(methods: dict[str, Target], http_method: str) -> Target | None:
    target = methods.get(http_method)
    if target is None and http_method == "HEAD":
        target = methods.get("GET")
    return methods.get(ANY_METHOD) if target is None else target
