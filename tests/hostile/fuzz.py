"""Sends a seeded corpus of mutated requests to a running stack, and checks every answer and what is left behind (`make fuzz`)."""

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

import click
import grpc.aio
import psutil

from local.stack import HOST, Stack, stack, temporary_folder
from tests.hostile import messages, rest_requests
from tests.hostile.answers import Wrong, check, read_answer
from tests.rest import Rest

HANG = 15.0  # seconds; longer than the longest deadline
CONNECTIONS = 24
GROWTH = 300 << 20  # bytes that a process may grow by
_PATIENCE = 0.15  # seconds for an answer to what may be the beginning of a request
_CODES = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "ABORTED", "UNIMPLEMENTED"}
# Each line of the log is one that the product writes: a time, a level, a name; or an audit line; or gRPC's own, in words of its own.
_LOG_LINE = re.compile(
    r'\{"time":"[\d:.TZ-]{27}",("level":"(debug|info|warning|error)",)?"logger":"[a-z._]+",.*\}'
    r"|E\d{4} [\d:.]+ +\d+ \w+\.cc:\d+\] Error parsing ':[a-z]+' metadata: [a-z ]+"
)

Counts = Counter[str]
Corpus = Callable[[Random, int, Stack, list[str], Counts], Awaitable[None]]


async def rest(random: Random, count: int, running: Stack, ids: list[str], counts: Counts) -> None:
    """Well-framed requests over one connection for as long as it lives."""
    reader, writer = await asyncio.open_connection(HOST, running.ports.rest)
    for _ in range(count):
        request = rest_requests.well_framed(random, ids)
        head_only = request.startswith(b"HEAD ")
        async with _hanging(request):
            writer.write(request)
            answer = await read_answer(reader, head_only=head_only)
        check(request, answer, head_only=head_only)
        counts[f"REST {answer.status}"] += 1
        if answer.closes:
            writer.close()
            reader, writer = await asyncio.open_connection(HOST, running.ports.rest)
    writer.close()


async def malformed(random: Random, count: int, running: Stack, ids: list[str], counts: Counts) -> None:
    """Requests whose framing is broken, each on a connection of its own: answered properly, or not at all."""
    for _ in range(count):
        request = rest_requests.broken(random, ids)
        reader, writer = await asyncio.open_connection(HOST, running.ports.rest)
        with contextlib.suppress(ConnectionError):
            writer.write(request)
            counts[f"malformed {await _answered(request, reader)}"] += 1
        writer.close()


async def _answered(request: bytes, reader: asyncio.StreamReader) -> str:
    last = "waiting"
    try:
        while True:
            # A head whose answer has no body cannot be told from its bytes any more, so bodies are not looked for after those.
            head_only = b"HEAD" in request
            answer = await asyncio.wait_for(read_answer(reader, head_only=head_only), _PATIENCE)
            check(request, answer, head_only=head_only)
            last = str(answer.status)
            if answer.closes or head_only:
                return last
    except (TimeoutError, asyncio.IncompleteReadError):
        return last


async def rpc(random: Random, count: int, running: Stack, ids: list[str], counts: Counts) -> None:
    """Mutated gRPC messages and metadata."""
    async with grpc.aio.insecure_channel(running.grpc_target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        for _ in range(count):
            method, data, metadata = messages.call(random, ids)
            code = "OK"
            try:
                await channel.unary_unary(method)(data, timeout=HANG, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                if code not in _CODES or (error.details() and "Traceback" in error.details()):
                    raise Wrong(f"{method} {data!r} {metadata}: {code} {error.details()}") from None
            counts[f"gRPC {code}"] += 1


async def http2(random: Random, count: int, running: Stack, ids: list[str], counts: Counts) -> None:
    """Broken HTTP/2 on the gRPC port: whatever it is answered with, the server stands."""
    for _ in range(count):
        reader, writer = await asyncio.open_connection(HOST, running.ports.grpc)
        with contextlib.suppress(ConnectionError, TimeoutError):
            writer.write(messages.frames(random))
            await asyncio.wait_for(reader.read(1 << 16), _PATIENCE)
        writer.close()
        counts["HTTP/2"] += 1


@contextlib.asynccontextmanager
async def _hanging(request: bytes) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(HANG):
            yield
    except (TimeoutError, asyncio.IncompleteReadError) as error:
        raise Wrong(f"{type(error).__name__}: {request[:600]!r}") from None


# What part of the corpus each is.
_SHARES: dict[Corpus, float] = {rest: 0.60, rpc: 0.28, malformed: 0.10, http2: 0.02}


async def _send(running: Stack, seed: int, count: int, ids: list[str]) -> Counts:
    counts: Counts = Counter()
    async with asyncio.TaskGroup() as tasks:
        for corpus, share in _SHARES.items():
            for number in range(CONNECTIONS):
                random = Random(f"{seed} {corpus.__name__} {number}")
                tasks.create_task(corpus(random, -(-int(count * share) // CONNECTIONS), running, ids, counts))
    return counts


def fuzz(running: Stack, log: Path, seed: int, count: int) -> Counts:
    """What was answered how often. Raises Wrong, in a group, for an answer that should not be, and AssertionError for what is left behind."""
    client = Rest(running.rest_url)
    kept = client.create_many(50)
    processes = [psutil.Process(running.server.pid), psutil.Process(running.gateway.pid)]
    asyncio.run(_send(running, seed, min(count, 500), kept))  # so that what grows once has grown
    memory = [process.memory_info().rss for process in processes]
    written = log.stat().st_size
    counts = asyncio.run(_send(running, seed + 1, count, kept))
    for process, before in zip(processes, memory, strict=True):
        assert process.is_running() and process.status() != psutil.STATUS_ZOMBIE, f"{process.cmdline()} has ended"
        assert process.memory_info().rss - before < GROWTH, f"{process.cmdline()} has grown"
    assert client.get("/status").text == "ok"
    assert all(client.get(f"/get/{id}").status_code == 200 for id in kept)
    with log.open(errors="surrogateescape") as lines:
        lines.seek(written)
        strange = [line for line in lines if not _LOG_LINE.fullmatch(line.rstrip("\n"))]
    assert not strange, f"the log has {strange[:10]}"
    return counts


@click.command()
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same requests.")
@click.option("--count", default=100_000, show_default=True, help="Requests of all kinds.")
def main(seed: int, count: int) -> None:
    """Send mutated requests over REST, gRPC and raw connections to a stack of its own; fail at the first wrong answer."""
    with temporary_folder() as folder, stack(folder) as running:
        begin = time.monotonic()
        counts = fuzz(running, folder / "log", seed, count)
    for answered, number in sorted(counts.items()):
        click.echo(f"{number:8} {answered}")
    click.echo(f"{counts.total():8} requests in {time.monotonic() - begin:.0f} s: no 5xx, no crash, no hang")


if __name__ == "__main__":
    main()
