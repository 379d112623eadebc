"""Page tokens: the id a page ended with, sealed so that only this service's own tokens are taken, and only for their own filter."""

import base64
import binascii
import hashlib
import hmac
import uuid

_VERSION = b"\x01"
_ID = slice(1, 17)
_SEAL_BYTES = 16


class InvalidPageToken(ValueError):
    """The token was not made by this service, or for another filter."""


def seal(key: bytes, last_id: str, status: int) -> str:
    """The token for the page after `last_id`; `status` is the filter's number, 0 for none."""
    content = _VERSION + uuid.UUID(last_id).bytes
    return base64.urlsafe_b64encode(content + _seal(key, content, status)).decode()


def unseal(key: bytes, token: str, status: int) -> str:
    """The id that the page before ended with. Raises InvalidPageToken."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise InvalidPageToken from None
    if base64.urlsafe_b64encode(raw).decode() != token:  # Python takes the other alphabet too; a token has one spelling
        raise InvalidPageToken
    content, mac = raw[: _ID.stop], raw[_ID.stop :]
    if not content.startswith(_VERSION) or not hmac.compare_digest(mac, _seal(key, content, status)):
        raise InvalidPageToken
    return str(uuid.UUID(bytes=content[_ID]))


def _seal(key: bytes, content: bytes, status: int) -> bytes:
    return hmac.digest(key, content + status.to_bytes(1, "big"), hashlib.sha256)[:_SEAL_BYTES]
