"""How much one request may ask for, or hold. The defaults are what the API promises; an operator may promise less, not more, as clients of
gRPC take no answer of more than 4 MiB."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bytes are those of JSON, its numbers written out."""

    page: int = 1000  # payments
    page_bytes: int = 1 << 20  # beyond which a page ends; one payment is a page whatever its size
    batch: int = 1000  # payments
    batch_bytes: int = 1 << 20
    depth: int = 64  # levels of objects and arrays in a document


MOST = Limits()
