"""What is wrong with a JSON text, and where: the error that every reader raises and each level above completes with its path."""

from dataclasses import dataclass
from typing import Any, Self

# Enough for a person to mend the request; a hostile body must not turn into an answer larger than itself.
MAX_VIOLATIONS = 20
_MAX_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault. `field` is a path such as `requests[3].payment`, spelt as the client spelt it; empty for the document itself."""

    field: str
    description: str


class InvalidJson(ValueError):
    """The text is not a JSON form of the message. `violations` has one to twenty entries."""

    violations: tuple[Violation, ...]

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.description}" if fault.field else fault.description for fault in violations))
        self.violations = violations

    @classmethod
    def because(cls, description: str) -> Self:
        """One violation of the value at hand, whose path is not known yet."""
        return cls((Violation("", description),))

    def within(self, parent: str) -> "InvalidJson":
        """The same violations, seen from the object or array that holds the value under `parent`."""
        parent = shown(parent)
        return InvalidJson(tuple(Violation(_joined(parent, fault.field), fault.description) for fault in self.violations))


def shown(text: str) -> str:
    """Text of a client in a form that fits an error message: short, and free of what UTF-8 cannot carry."""
    short = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
    return short.encode("utf-8", "backslashreplace").decode()


def wrong_type(expected: str, value: Any) -> InvalidJson:
    return InvalidJson.because(f"must be {expected}, not {_kind(value)}")


def _joined(parent: str, child: str) -> str:
    return parent + child if not child or child.startswith("[") else f"{parent}.{child}"


def _kind(value: Any) -> str:
    # By class name, for the scanner's own kinds of str are not JSON strings.
    kinds = {"dict": "an object", "list": "an array", "str": "a string", "bool": "a boolean", "NoneType": "null"}
    return kinds.get(type(value).__name__, "a number")
