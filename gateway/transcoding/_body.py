"""Reads a request's body: never more than the limit in memory, and what is refused is read off, so that the client can read the answer."""

from collections.abc import Mapping

from starlette.types import Message, Receive

from gateway.transcoding.http_rule import Binding
from gateway.transcoding.problem import Refusal

# A client that is still sending sees a reset connection instead of the answer, should the server close first. Beyond this it may.
DISCARD_LIMIT = 64 << 20


class ClientGone(Exception):
    """The client disconnected, so that nobody waits for an answer."""


class Body:
    """The body of one request, not read yet."""

    def __init__(self, headers: Mapping[bytes, bytes], receive: Receive) -> None:
        self._headers = headers
        self._receive = receive
        length = headers.get(b"content-length", b"")
        self._length = int(length) if length.isdigit() else None
        self._ended = not self.announced

    @property
    def announced(self) -> bool:
        """The headers speak of a body, which may still turn out to be empty (RFC 9112, section 6)."""
        return bool(self._length) or b"transfer-encoding" in self._headers

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises Refusal (413) for one of more than `limit` bytes."""
        if self._length is not None and self._length > limit:
            raise _too_large(limit)
        if self._ended:
            return b""
        chunk = await self._next()
        if self._ended and len(chunk) <= limit:
            return chunk
        chunks, size = [chunk], len(chunk)
        while not self._ended and size <= limit:
            chunk = await self._next()
            chunks.append(chunk)
            size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        return b"".join(chunks)

    async def refuse_any(self, binding: Binding) -> None:
        """Raises Refusal (400) unless the body is empty, for a binding that has none."""
        while not self._ended:
            if self._length or await self._next():
                raise Refusal(f"{binding.http_method} {binding.template.text} takes no body", field="body")

    async def discard(self) -> bool:
        """Reads off what is left. False where the client waits to be asked for the body, or there is too much of it: then close."""
        if self._ended:
            return True
        if self._headers.get(b"expect", b"").lower() == b"100-continue":
            return False
        left = DISCARD_LIMIT
        while not self._ended and left > 0:
            left -= len(await self._next())
        return self._ended

    async def _next(self) -> bytes:
        message: Message = await self._receive()
        if message["type"] != "http.request":
            raise ClientGone
        self._ended = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


def check_encoding(headers: Mapping[bytes, bytes]) -> None:
    """Raises Refusal (415) for a compressed body (RFC 9110, section 8.4: with what is accepted)."""
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        text = "a body with a Content-Encoding is not accepted"
        raise _unsupported(text, {"Accept-Encoding": "identity"})


def check_type(headers: Mapping[bytes, bytes]) -> None:
    """Raises Refusal (415) for a body that is not JSON in UTF-8, or says nothing of what it is."""
    given = headers.get(b"content-type", b"")
    if given == b"application/json":
        return
    media_type, *parameters = [part.strip().lower() for part in given.split(b";")]
    charsets = [part[8:].strip(b'"') for part in parameters if part.startswith(b"charset=")]
    if media_type != b"application/json" or charsets not in ([], [b"utf-8"]):
        raise _unsupported("the Content-Type must be application/json, in UTF-8", {"Accept": "application/json"})


def _unsupported(text: str, headers: dict[str, str]) -> Refusal:
    return Refusal(text, reason="UNSUPPORTED_MEDIA_TYPE", http_status=415, headers=headers)


def _too_large(limit: int) -> Refusal:
    return Refusal(f"the body is larger than {limit} bytes", field="body", reason="BODY_TOO_LARGE", http_status=413)
