"""The loops against a small server that behaves as the test wants it to."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from loadtest.arrival import NOT_SENT
from loadtest.rest import CLOSED, MALFORMED, UNCONNECTED, ClosedLoop, OpenLoop, request
from loadtest.window import UNANSWERED, Answers, Window
from local.stack import HOST, Ports

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Reply], Awaitable[int]]

REQUEST = request("POST", "/create", b'{"payment":1}')
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server that reads requests and has `reply` answer each; its port."""
    servers = []

    async def start(reply: Reply) -> int:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while await reader.readexactly(len(REQUEST)):
                    await reply(writer)
                    await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        server = await asyncio.start_server(connected, HOST, 0)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()


def write(*pieces: bytes) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)

    return reply


async def closed_loop(port: int, connections: int = 4, seconds: float = 0.3) -> Answers:
    window = Window(lambda: None, lambda: None)
    await ClosedLoop(HOST, port, [REQUEST], connections, warm_up=0.1, seconds=seconds).run(window)
    return window.answers()


async def open_loop(port: int, rate: float, connections: int = 100, seconds: float = 1.0) -> Answers:
    window = Window(lambda: None, lambda: None)
    await OpenLoop(HOST, port, [REQUEST], connections, warm_up=0.2, seconds=seconds, rate=rate).run(window)
    return window.answers()


@pytest.mark.parametrize(
    "pieces",
    [
        [OK],
        [OK[:20], OK[20:-1], OK[-1:]],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n}\r", b"\n0\r\n", b"\r\n"],
    ],
    ids=["at once", "in pieces", "in chunks"],
)
async def test_answers_are_counted_once_each_however_they_come(serve: Serve, pieces: list[bytes]) -> None:
    served = 0

    async def reply(writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        await write(*pieces)(writer)

    answers = await closed_loop(await serve(reply))
    assert set(answers.outcomes) == {"200"}
    assert 0 < answers.outcomes["200"] < served  # the warm-up is not counted
    assert answers.rate == answers.answered / answers.seconds > 0
    assert answers.p50 is not None and answers.p99 is not None and len(pieces) <= answers.p50 <= answers.p99


async def test_failures_are_counted_by_status_and_are_no_throughput(serve: Serve) -> None:
    turn = 0

    async def reply(writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        turn += 1
        writer.write(OK if turn % 4 else b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops")

    answers = await closed_loop(await serve(reply))
    assert set(answers.outcomes) == {"200", "500"}
    assert answers.outcomes["200"] == pytest.approx(3 * answers.outcomes["500"], abs=8)
    assert answers.rate == pytest.approx(answers.answered / answers.seconds * 3 / 4, rel=0.1)


async def test_a_connection_that_is_lost_in_mid_answer_is_an_error_and_replaced(serve: Serve) -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(OK[:-1])
        writer.close()

    answers = await closed_loop(await serve(reply))
    assert set(answers.outcomes) == {CLOSED}
    assert answers.outcomes[CLOSED] > 4
    assert (answers.rate, answers.p50, answers.p99) == (0, None, None)


async def test_a_server_that_closes_after_each_answer_is_connected_to_anew(serve: Serve) -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        writer.close()

    answers = await closed_loop(await serve(reply))
    assert set(answers.outcomes) == {"200"}
    assert answers.outcomes["200"] > 4


async def test_what_is_no_http_is_malformed(serve: Serve) -> None:
    assert set((await closed_loop(await serve(write(b"hello\r\n\r\n")))).outcomes) == {MALFORMED}


async def test_a_port_where_nobody_listens_is_unconnected() -> None:
    assert set((await closed_loop(Ports.free().rest)).outcomes) == {UNCONNECTED}


async def test_a_request_that_gets_no_answer_is_counted_as_unanswered(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.rest._PATIENCE", 0.1)
    answers = await open_loop(await serve(write()), rate=50, seconds=0.2)
    assert set(answers.outcomes) == {UNANSWERED}
    assert answers.outcomes[UNANSWERED] == pytest.approx(10, abs=1)


async def test_an_open_loop_keeps_to_its_rate(serve: Serve) -> None:
    answers = await open_loop(await serve(write(OK)), rate=400)
    assert sum(answers.outcomes.values()) == pytest.approx(400, abs=4)
    assert answers.rate == pytest.approx(400, abs=20)


async def test_all_that_was_due_while_the_service_stalled_counts_with_the_time_it_waited(serve: Serve) -> None:
    """A closed loop would have sent nothing meanwhile, and have seen one slow request (coordinated omission)."""
    stalled = False
    begin = 0.0

    async def reply(writer: asyncio.StreamWriter) -> None:
        nonlocal stalled, begin
        begin = begin or time.monotonic() + 0.3  # within the window, however long the connections took to open
        if not stalled and time.monotonic() > begin:
            stalled = True
            time.sleep(1)  # the loop's own sending stalls with it, as it shares the thread
        writer.write(OK)

    answers = await open_loop(await serve(reply), rate=50, seconds=1.3)
    assert sum(answers.outcomes.values()) == pytest.approx(65, abs=2)
    assert answers.p50 is not None and 200 < answers.p50 < 600
    assert answers.p99 is not None and 900 < answers.p99 < 1100


async def test_a_request_that_finds_no_free_connection_is_not_sent_and_said_to_be(serve: Serve) -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(OK)

    answers = await open_loop(await serve(reply), rate=200, connections=2)
    assert answers.outcomes["200"] == pytest.approx(20, abs=3)
    assert answers.outcomes[NOT_SENT] == pytest.approx(180, abs=5)
