"""Travis's conditions, version 1: whether one holds for a build. https://docs.travis-ci.com/user/conditions-v1"""

import re
from collections.abc import Mapping

VARIABLES = {
    "branch",
    "commit_message",
    "dist",
    "fork",
    "head_branch",
    "head_repo",
    "language",
    "os",
    "repo",
    "sender",
    "sudo",
    "tag",
    "type",
}
TOKEN = re.compile(r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<sign>=~|~=|!~|!=|==|=|[(),])|(?P<word>(?!\$)[^\s()=!,"']+))""")
# Without slashes it ends before closing parentheses: those are the condition's.
REGEX = re.compile(r"\s*(?:/((?:\\.|[^/])*)/|(?!env\(|concat\()(\S*[^\s)]))", re.IGNORECASE)
SIGNS = {"(", ")", ",", "=", "==", "!=", "=~", "~=", "!~"}
Value = str | None


class Unknown(Exception):
    """What is no condition, or none that is known here."""


def holds(condition: str, build: Mapping[str, str], env: Mapping[str, str] | None = None) -> bool:
    """What the build does not have is blank. Raises Unknown."""
    return _Reader(condition, build, env or {}).result()


class _Reader:
    """Reads from left to right and judges on the way: OR binds less than AND, and that less than NOT."""

    def __init__(self, condition: str, build: Mapping[str, str], env: Mapping[str, str]) -> None:
        self.rest, self.build, self.env = condition.strip(), build, env

    def result(self) -> bool:
        judged = self.any()
        if self.rest.strip():
            raise Unknown(f"unexpected: {self.rest.strip()}")
        return judged

    def any(self) -> bool:
        judged = self.all()
        while self.taken("OR", "||"):
            judged = self.all() or judged
        return judged

    def all(self) -> bool:
        judged = self.term()
        while self.taken("AND", "&&"):
            judged = self.term() and judged
        return judged

    def term(self) -> bool:
        if self.taken("NOT"):
            return not self.term()
        if self.taken("("):
            judged = self.any()
            self.expect(")")
            return judged
        return self.comparison(self.value())

    def comparison(self, left: Value) -> bool:
        if self.taken("=", "=="):
            return left == self.value()
        if self.taken("!="):
            return left != self.value()
        if self.taken("=~", "~="):
            return self.matches(left)
        if self.taken("!~"):
            return not self.matches(left)
        if self.taken("IN"):
            return left in self.values()
        if self.taken("NOT"):
            self.expect("IN")
            return left not in self.values()
        if self.taken("IS"):
            return self.predicate(left)
        return left not in (None, "false")

    def matches(self, left: Value) -> bool:
        if found := REGEX.match(self.rest):
            self.rest = self.rest[found.end() :]
            pattern: Value = found[1] if found[1] is not None else found[2]
        else:
            pattern = self.value()
        try:
            return re.search(pattern or "", left or "") is not None
        except re.error as mistake:
            raise Unknown(f"{pattern}: {mistake}") from mistake

    def predicate(self, left: Value) -> bool:
        negated = self.taken("NOT")
        word = (self.next() or "").lower()
        judged = {
            "present": left not in (None, "", "false"),
            "blank": left in (None, "", "false"),
            "true": left == "true",
            "false": left == "false",
        }
        if word not in judged:
            raise Unknown(f"IS {word}")
        return judged[word] != negated

    def values(self) -> list[Value]:
        self.expect("(")
        read = [self.value()]
        while self.taken(","):
            read.append(self.value())
        self.expect(")")
        return read

    def value(self) -> Value:
        token = self.next()
        if token is None or token in SIGNS:
            raise Unknown(f"a value is missing before: {self.rest}")
        if token[0] in "\"'":
            return token[1:-1]
        name = token.lower()
        if self.rest.startswith("("):
            arguments = self.values()
            if name == "env":
                return self.env.get(arguments[0] or "")
            if name == "concat":
                return "".join(each or "" for each in arguments)
            raise Unknown(f"{token}()")
        if name in VARIABLES:
            return self.build.get(name)
        return name if name in {"true", "false"} else token

    def next(self) -> str | None:
        found = TOKEN.match(self.rest)
        if not found:
            return None
        self.rest = self.rest[found.end() :]
        return found[found.lastgroup or 0]

    def taken(self, *tokens: str) -> bool:
        found = TOKEN.match(self.rest)
        if not found or found["text"] or found[found.lastgroup or 0].upper() not in tokens:
            return False
        self.rest = self.rest[found.end() :]
        return True

    def expect(self, token: str) -> None:
        if not self.taken(token):
            raise Unknown(f"{token} is missing before: {self.rest}")
