"""HTTP/2 by hand (RFC 9113), for clients that gRPC's own library would not be: slow, silent, or deaf."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS = 1, 4
_INITIAL_WINDOW_SIZE = 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def begin(window: int = 65_535) -> bytes:
    """What a client says first. `window`: bytes of an answer that it takes unasked."""
    return PREFACE + frame(SETTINGS, 0, 0, _INITIAL_WINDOW_SIZE.to_bytes(2, "big") + window.to_bytes(4, "big"))


def headers(stream: int, method: str) -> bytes:
    """The head of a gRPC call without a deadline."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": method,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    return frame(HEADERS, END_HEADERS, stream, b"".join(map(_literal, fields, fields.values())))


def message(stream: int, content: bytes = b"") -> bytes:
    """A whole gRPC message, and the end of the call's own half."""
    return frame(DATA, END_STREAM, stream, b"\0" + len(content).to_bytes(4, "big") + content)


def _literal(name: str, value: str) -> bytes:
    """A field by RFC 7541, section 6.2.2: literal, not indexed, not compressed; both are shorter than 127 bytes."""
    return b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()
