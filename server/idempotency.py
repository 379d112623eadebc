"""Idempotency keys and the fingerprints that tell a retry from another request under the same key."""

import hashlib
import json
import re
from datetime import timedelta

from server import document, money

KEPT = timedelta(days=7)

_KEY = re.compile(r"[\x21-\x7e]{1,64}")


def is_key(text: str) -> bool:
    """Whether the text may be a key: 1 to 64 visible ASCII characters."""
    return _KEY.fullmatch(text) is not None


def fingerprint(status: int, payment: str, data: str) -> bytes:
    """SHA-256 over the content of a valid create, equal for equal values: 1, 1.0 and 1e0, or objects in any order of keys."""
    content = f"{status} {money.cents(payment)} {canonical(data)}"
    return hashlib.sha256(content.encode()).digest()


def canonical(data: str) -> str:
    """One text for all spellings of a valid document."""
    return _write(_reader.decode(data))


class _Number(str):
    """The canonical text of a number, told from a string by its type."""


def _read_number(text: str) -> _Number:
    parts = document.number(text)
    if not parts.digits:
        return _Number("0")
    return _Number(f"{'-' if parts.negative else ''}{parts.digits}e{parts.exponent}")


_reader = json.JSONDecoder(parse_int=_read_number, parse_float=_read_number)


def _write(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_write(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    return value if isinstance(value, _Number) else json.dumps(value)
