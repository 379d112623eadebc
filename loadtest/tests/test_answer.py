"""Where an answer of HTTP/1.1 ends, however it comes."""

import pytest

from loadtest.answer import Answer, Malformed

COUNTED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1a;note=x\r\n" + b"\r\n" * 13 + b"\r\n0\r\nTrailer: x\r\n\r\n"
)
EMPTY = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
BODILESS = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"
ALL = [COUNTED, CHUNKED, EMPTY, BODILESS]


@pytest.mark.parametrize("text", ALL)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
def test_an_answer_in_pieces_of_any_size_is_complete_with_its_last_byte(text: bytes, size: int) -> None:
    answer = Answer()
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    for _ in range(2):  # the second on the same connection
        assert [answer.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        assert answer.status == text[9:12].decode()


def test_a_server_that_closes_after_an_answer_says_so() -> None:
    answer = Answer()
    answer.feed(COUNTED.replace(b"text/plain", b"text/plain\r\nConnection: close"))
    assert answer.closes
    answer.feed(COUNTED)
    assert not answer.closes


@pytest.mark.parametrize(
    "text",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        COUNTED + b"x",
        CHUNKED + b"x",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n",
    ],
    ids=["another protocol", "without an end", "longer than it said", "bytes behind the last chunk", "no size of a chunk"],
)
def test_what_is_no_answer_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        Answer().feed(text)
