"""Mutated HTTP requests: well framed, so that a connection can carry many, or with the framing itself broken."""

from collections.abc import Sequence
from random import Random

from tests.hostile.values import HEADER_NAMES, HEADER_VALUES, LITERALS, MEMBERS, SEGMENTS, mutated

_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"PROPFIND", b"QUERY", b"M-SEARCH")
_PARAMETERS = (
    "status",
    "page_size",
    "pageSize",
    "page_token",
    "pageToken",
    "id",
    "data",
    "unknown",
    "",
    "status.x",
    "$alt",
    "%00",
    "page_size[]",
)


def well_framed(random: Random, ids: Sequence[str]) -> bytes:
    """A request whose Content-Length is right, whatever else is wrong with it. `ids`: of payments that are there."""
    method, path, body = _template(random, ids)
    if random.random() < 0.1:
        method = random.choice(_METHODS)
    if random.random() < 0.2:
        path = random.choice(
            (
                path + "/",
                "/" + path,
                path + ";a=b",
                path + "/..",
                "/./" + path,
                path + "%2F",
                path + "?",
                path + "?a#b",
                path.upper(),
                "/" + random.choice(SEGMENTS),
            )
        )
    if random.random() < 0.2:
        pairs = "&".join(f"{random.choice(_PARAMETERS)}={random.choice(SEGMENTS)}" for _ in range(random.randint(1, 3)))
        path += ("&" if "?" in path else "?") + pairs
    if method == b"GET" and "list" in path.lower():  # the whole list would be all that the others have created
        path += ("&" if "?" in path else "?") + "page_size=3"
    if body and random.random() < 0.2:
        body = mutated(body, random)
    headers = [b"Host: payments.example"]
    if body:
        headers += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    for _ in range(random.choice((0, 0, 0, 1, 1, 2, 6))):
        headers.append(b"%s: %s" % (random.choice(HEADER_NAMES), random.choice(HEADER_VALUES)))
    head = b"\r\n".join([b"%s %s HTTP/1.1" % (method, path.encode("ascii", "replace")), *headers])
    return head + b"\r\n\r\n" + body


def _template(random: Random, ids: Sequence[str]) -> tuple[bytes, str, bytes]:
    """Method, path and body of something that the API offers, with values that it may not want."""
    id = random.choice(ids) if random.random() < 0.5 else random.choice(SEGMENTS)
    match random.randrange(8):
        case 0 | 1 | 2:
            return b"POST", "/create", _create(random).encode()
        case 3:
            items = ",".join(_create(random) for _ in range(random.choice((0, 1, 2, 3))))
            return b"POST", "/create:batch", f'{{"requests":[{items}]}}'.encode()
        case 4:
            return b"GET", f"/get/{id}", b""
        case 5:
            return b"PUT", f"/update/{id}", f'{{"status":{random.choice(LITERALS)}{_more(random)}}}'.encode()
        case 6:
            return b"DELETE", f"/delete/{id}" if id not in ids[:50] else "/delete/1", b""
        case _:
            return b"GET", f"/list?{random.choice(_PARAMETERS)}={random.choice(SEGMENTS)}", b""


def _create(random: Random) -> str:
    data = '{"order":17,"items":[{"sku":"a"}]}'
    if random.random() < 0.6:
        data = random.choice(
            (random.choice(LITERALS), f'{{"a":{random.choice(LITERALS)}}}', f'{{"a":[1,{{"b":{random.choice(LITERALS)}}}]}}')
        )
    payment = "1234.50" if random.random() < 0.7 else random.choice(LITERALS)
    return f'{{"data":{data},"payment":{payment}{_more(random)}}}'


def _more(random: Random) -> str:
    return "," + random.choice(MEMBERS) if random.random() < 0.25 else ""


def broken(random: Random, ids: Sequence[str]) -> bytes:
    """Bytes that no HTTP client sends."""
    request = well_framed(random, ids)
    head, _, body = request.partition(b"\r\n\r\n")
    match random.randrange(8):
        case 0:
            return mutated(head, random, 8) + b"\r\n\r\n" + body
        case 1:
            extra = random.choice(_FRAMING)
            return (
                head
                + b"\r\n"
                + extra
                + b"\r\n\r\n"
                + random.choice((body, b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"))
            )
        case 2:
            chunks = random.choice(_CHUNKS)
            lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
            return b"\r\n".join([*lines, b"Transfer-Encoding: chunked"]) + b"\r\n\r\n" + chunks
        case 3:
            return request.replace(b"\r\n", random.choice((b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n ")))
        case 4:
            return request * random.randint(2, 4) + mutated(request, random)
        case 5:
            lines = head.split(b"\r\n")
            lines.insert(random.randint(1, len(lines)), random.choice(_LINES))
            return b"\r\n".join(lines) + b"\r\n\r\n" + body
        case 6:
            return random.randbytes(random.randint(1, 200)) + b"\r\n\r\n"
        case _:
            return mutated(request, random, 30)


_FRAMING = (
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 5, 5",
    b"Content-Length: +5", b"Content-Length: -1", b"Content-Length: 0x5", b"Content-Length: 99999999999999999999", b"Content-Length: 5 5", b"Content-Length:",
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity", b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b" Transfer-Encoding: chunked",
    b"Transfer_Encoding: chunked", b"Transfer-Encoding\r\n : chunked", b"X: y\r\n Transfer-Encoding: chunked", b"Expect: 100-continue", b"Upgrade: h2c\r\nConnection: Upgrade",
    b"Connection: close, keep-alive, Content-Length", b"Connection: Host",
)  # fmt: skip
_CHUNKS = (
    b"5\r\nhello\r\n0\r\n\r\n", b"5;a=b\r\nhello\r\n0\r\n\r\n", b"5;" + b"a" * 20_000 + b"\r\nhello\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFFF\r\nhello", b"-1\r\n", b"0x5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhelloX\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"1\r\n{\r\n" * 2000, b"0\r\nX-Injected: 1\r\n\r\n", b"0\r\n" + b"A: b\r\n" * 5000 + b"\r\n", b"\r\n\r\n", b"5\r\nhell", b" 5\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n", b"05\r\nhello\r\n0\r\n\r\n", b"0000000000000000000005\r\nhello\r\n0\r\n\r\n", b"g\r\n", b"5\r\nhello\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
)  # fmt: skip
_LINES = (
    b"X: " + b"a" * 40_000, b"\r\n".join([b"X: a"] * 150), b": empty", b"no colon", b"X\0: a", b"X: \0", b"X: a\rb", b"X : a", b"\xff: a", b"(x): a", b" folded", b"\tfolded", b"X: a\r\n b",
    b"Host: other", b"Host: a\r\nHost: b", b"Host: a b", b"Host: [::1", b"Host:", b"X" * 40_000 + b": a",
)  # fmt: skip
