"""API keys: what a key is, and the file that says which there are.

The file has a key's SHA-256 only. A slow hash protects what people choose; a key is 256 random bits, which nobody finds at any speed, and a
slow hash would cost every call milliseconds.
"""

import asyncio
import datetime
import hashlib
import logging
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("server")

PREFIX = "payments_"  # secret scanners find a key as payments_[0-9a-f]{64}
# What each scope allows.
SCOPES = {"read": frozenset({"read"}), "write": frozenset({"read", "write"})}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_LOOK_INTERVAL = 0.25  # seconds
_LARGEST = 1 << 20  # bytes of the file
_DIGEST = re.compile(r"[0-9a-f]{64}")


class InvalidKeyFile(Exception):
    """str() says what is wrong and in which line, and quotes nothing: a key may have been put there by mistake."""


@dataclass(frozen=True)
class ApiKey:
    """What the file says of one key."""

    client: str
    scopes: frozenset[str]
    expires: float | None  # seconds since 1970

    @property
    def expired(self) -> bool:
        return self.expires is not None and time.time() >= self.expires


def new_key(client: str, scope: str, expires: datetime.date | None) -> tuple[str, str]:
    """A new key, and its line for the file."""
    key = PREFIX + secrets.token_hex(32)
    parts = [client, scope, _digest(key).hex(), *([expires.isoformat()] if expires else [])]
    return key, ":".join(parts)


def parse(text: str) -> dict[bytes, ApiKey]:
    """The keys by their SHA-256. Raises InvalidKeyFile.

    A line is NAME:SCOPES:SHA256[:EXPIRES]; empty lines and those that begin with # say nothing. SCOPES are names with commas between;
    EXPIRES is a date, YYYY-MM-DD, from whose beginning in UTC the key is refused. A client may have several keys, so that it can change
    from one to the next.
    """
    keys: dict[bytes, ApiKey] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            digest, key = _parse_line(line)
            if digest in keys:
                raise InvalidKeyFile("the key is there twice")
        except InvalidKeyFile as error:
            raise InvalidKeyFile(f"line {number}: {error}") from None
        keys[digest] = key
    return keys


def _parse_line(line: str) -> tuple[bytes, ApiKey]:
    name, *rest = line.split(":")
    if not 2 <= len(rest) <= 3:
        raise InvalidKeyFile("is not NAME:SCOPES:SHA256 or NAME:SCOPES:SHA256:EXPIRES")
    scopes, digest, *expires = rest
    if not NAME.fullmatch(name):
        raise InvalidKeyFile("the name must be 1 to 64 letters, digits, dots, hyphens and underscores, and begin with a letter or digit")
    if not SCOPES.keys() >= set(scopes.split(",")):
        raise InvalidKeyFile(f"the scopes must be {' or '.join(SCOPES)}, with a comma between several")
    if not _DIGEST.fullmatch(digest):
        raise InvalidKeyFile("the SHA-256 must be 64 digits of 0-9 and a-f")
    allowed = frozenset[str]().union(*(SCOPES[scope] for scope in scopes.split(",")))
    return bytes.fromhex(digest), ApiKey(name, allowed, _instant(expires[0]) if expires else None)


def _instant(date: str) -> float:
    try:
        day = datetime.datetime.strptime(date, "%Y-%m-%d")
    except ValueError:
        raise InvalidKeyFile("the date must be YYYY-MM-DD") from None
    return day.replace(tzinfo=datetime.UTC).timestamp()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class KeyFile:
    """The keys of a file, which is read again when it has changed."""

    def __init__(self, path: Path) -> None:
        """Raises InvalidKeyFile."""
        self._path = path
        self._content = _read(path)
        self._keys = self._parsed(self._content)

    def find(self, key: str) -> ApiKey | None:
        """How long it takes tells nobody anything of a key: what is compared are digests, and nobody can choose the digest of a guess."""
        return self._keys.get(_digest(key))

    async def watch(self) -> None:
        """Until it is cancelled. A version that is broken, or cannot be read, leaves the one before in force.

        What is compared is content: so it is the same whether the file was rewritten, replaced, or lies behind a symbolic link that leads
        elsewhere now, as Kubernetes mounts secrets. It counts once it has been the same twice: one being written may end anywhere.
        """
        seen: bytes | str = self._content
        considered = seen
        while True:
            await asyncio.sleep(_LOOK_INTERVAL)
            before, seen = seen, await asyncio.to_thread(self._look)
            if seen == before and seen != considered:
                considered = seen
                self._consider(seen)

    def _look(self) -> bytes | str:
        """The content, or why there is none."""
        try:
            return _read(self._path)
        except InvalidKeyFile as error:
            return str(error)

    def _consider(self, seen: bytes | str) -> None:
        try:
            if isinstance(seen, str):
                raise InvalidKeyFile(seen)
            self._keys = self._parsed(seen)
        except InvalidKeyFile as error:
            log.error("%s; the API keys read before stay in force", error)

    def _parsed(self, content: bytes) -> dict[bytes, ApiKey]:
        try:
            keys = parse(content.decode(errors="replace"))
        except InvalidKeyFile as error:
            raise InvalidKeyFile(f"{self._path}, {error}") from None
        clients = sorted({key.client for key in keys.values()})
        log.info(
            "%d API keys, %d of them expired, of: %s", len(keys), sum(key.expired for key in keys.values()), ", ".join(clients) or "nobody"
        )
        return keys


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidKeyFile(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise InvalidKeyFile(f"{path} is larger than {_LARGEST} bytes")
    return content
