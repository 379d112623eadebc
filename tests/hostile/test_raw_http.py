"""HTTP/1.1 that no client should send, byte by byte: refused like every other error, and never taken for two requests."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.hostile.answers import Answer
from tests.rest import REQUEST_ID, Rest, document

BODY = document().encode()
CREATE = b"POST /create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SMUGGLED = b"0\r\n\r\nDELETE /delete/1 HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def exchange(rest: Rest, *pieces: bytes, ends: bool = False) -> list[Answer]:
    """Every answer on one connection until the gateway closes it, or, unless it `ends`, has been silent for a second after an answer."""
    target = urlsplit(rest.url)
    received = b""
    with socket.create_connection((target.hostname, target.port), timeout=10) as connection:  # type: ignore[arg-type]
        for piece in pieces:
            connection.sendall(piece)
        try:
            while data := connection.recv(1 << 16):
                received += data
                if not ends:
                    connection.settimeout(1)
        except TimeoutError:
            assert received, "no answer at all"
            assert not ends, "the connection is still open"
        except ConnectionResetError:
            pass
    return split(received)


def split(received: bytes) -> list[Answer]:
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        answer = Answer(head, b"")
        length = int(answer.headers.get("content-length", 0))
        answer.body, received = rest[:length], rest[length:]
        found.append(answer)
    return found


def assert_refused(answers: list[Answer], status: int = 400, reason: str = "MALFORMED_REQUEST") -> None:
    """One answer, a problem document with every header that others have, and the end of the connection."""
    [answer] = answers
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert REQUEST_ID.fullmatch(answer.headers["x-request-id"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["connection"] == "close"
    assert "server" not in answer.headers
    problem = json.loads(answer.body)
    assert (problem["status"], problem["reason"], problem["domain"]) == (status, reason, "payments.v1")


MALFORMED = {
    "Content-Length and chunked": CREATE + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n" + SMUGGLED,
    "chunked and Content-Length": CREATE + CHUNKED + b"Content-Length: 5\r\n\r\n" + SMUGGLED,
    "two lengths": CREATE + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a list of lengths": CREATE + b"Content-Length: 5, 5\r\n\r\nhello",
    "a signed length": CREATE + b"Content-Length: +5\r\n\r\nhello",
    "a negative length": CREATE + b"Content-Length: -5\r\n\r\nhello",
    "a hexadecimal length": CREATE + b"Content-Length: 0x5\r\n\r\nhello",
    "a length beyond 64 bits": CREATE + b"Content-Length: 99999999999999999999\r\n\r\n",
    "a space before the colon": CREATE + b"Transfer-Encoding : chunked\r\n\r\n" + SMUGGLED,
    "a folded line": CREATE + b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n" + SMUGGLED,
    "a bare CR in a line": CREATE + b"X: a\rTransfer-Encoding: chunked\r\n\r\n",
    "bare LF": b"GET /livez HTTP/1.1\nHost: x\n\n",
    "NUL in a value": CREATE + b"X: a\0b\r\n\r\n",
    "a name that is no token": CREATE + b"X(y): a\r\n\r\n",
    "no name": CREATE + b": a\r\n\r\n",
    "a chunk size that is none": CREATE + CHUNKED + b"\r\ng\r\n",
    "a negative chunk size": CREATE + CHUNKED + b"\r\n-1\r\n",
    "a chunk size beyond 64 bits": CREATE + CHUNKED + b"\r\nFFFFFFFFFFFFFFFFF\r\n",
    "a chunk longer than it says": CREATE + CHUNKED + b"\r\n1\r\n{}\r\n0\r\n\r\n",
    "no version": b"GET /livez\r\n\r\n",
    "a version that is none": b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\0" * 40 + b"\r\n\r\n",
    "a method that is none": b"G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the target": b"GET /get/a b HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_http_is_a_problem_like_any_other_and_ends_the_connection(rest: Rest, request_bytes: bytes) -> None:
    assert_refused(exchange(rest, request_bytes, ends=True))


@pytest.mark.parametrize(
    "head",
    [
        b"X: " + b"a" * 40_000 + b"\r\n\r\n",
        b"X: a\r\n" * 101 + b"\r\n",
        b"X: " + b"a" * 40_000,  # and no end
        b"X" * 40_000,
    ],
)
def test_a_head_that_is_too_large_is_refused_before_it_is_all_there(rest: Rest, head: bytes) -> None:
    assert_refused(exchange(rest, b"GET /livez HTTP/1.1\r\nHost: x\r\n", head, ends=True), 431, "HEADERS_TOO_LARGE")


def test_a_target_that_is_too_long_is_refused(rest: Rest) -> None:
    assert_refused(exchange(rest, b"GET /" + b"a" * 40_000, ends=True), 431, "HEADERS_TOO_LARGE")


def test_a_head_of_a_hundred_fields_and_30_kb_is_taken(rest: Rest) -> None:
    [answer] = exchange(
        rest,
        b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"".join(b"X: %s\r\n" % (b"a" * 300) for _ in range(97)) + b"\r\n",
    )
    assert answer.status == 200


def test_a_body_of_many_packets_is_no_head(rest: Rest) -> None:
    body = document('{"s":"' + "x" * 60_000 + '"}').encode()
    head = CREATE + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    [answer] = exchange(rest, head, *(body[start : start + 1000] for start in range(0, len(body), 1000)))
    assert answer.status == 200


def test_garbage_behind_a_request_takes_nothing_from_its_answer(rest: Rest) -> None:
    """The answer to the garbage would otherwise be taken for that of the create."""
    answers = exchange(rest, CREATE + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY + b"garbage\r\n\r\n")
    assert answers[0].status == 200
    assert json.loads(answers[0].body)["status"] == "inserted"


def test_pipelined_requests_are_answered_in_their_order(rest: Rest) -> None:
    ids = [f"{number:08}-0000-7000-8000-000000000000" for number in range(20)]
    answers = exchange(
        rest, b"".join(b"GET /get/%s HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\n\r\n" % (id.encode(), id.encode()) for id in ids)
    )
    assert [answer.headers["x-request-id"] for answer in answers] == ids
    assert {answer.status for answer in answers} == {404}


@pytest.mark.usefixtures("nothing_written")
def test_trailers_are_no_headers(rest: Rest) -> None:
    """A chunked body may have fields behind it; they must not become those of the next request."""
    request = (
        CREATE + CHUNKED + b"\r\n1\r\n{\r\n0\r\nX-Request-Id: trailer\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    answers = exchange(rest, request)
    assert [answer.status for answer in answers] == [400, 200]
    assert "trailer" not in [answer.headers["x-request-id"] for answer in answers]


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("endless", [b"0\r\nX: ", b"1;"])
def test_a_trailer_or_an_extension_of_a_chunk_without_end_is_cut_off(rest: Rest, endless: bytes) -> None:
    assert_refused(exchange(rest, CREATE + CHUNKED + b"\r\n", endless, b"a" * 300_000, ends=True), 431, "HEADERS_TOO_LARGE")
