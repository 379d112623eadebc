"""A small service for the tests of workers: `pid_service.py WORKERS ADDRESS METRICS_ADDRESS`.

It answers each line of a connection with its process id, stops when all connections have ended, and takes a second signal for haste. The
line `fail` ends the worker by an exception. PID_SERVICE_SLOW delays the start by as many seconds.
"""

import asyncio
import atexit
import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator

from process.listening import Address, CannotListen, listen
from process.logs import set_up_logging
from process.stopping import stop_signals
from process.workers import WorkerFailed, run_workers

log = logging.getLogger("pids")


def main(workers: str, address: str, metrics_address: str) -> int:
    set_up_logging("info")
    atexit.register(log.info, "exit handler ran")
    try:
        with owned():
            run_workers(int(workers), parsed(address), parsed(metrics_address), lambda shared: serve(shared, int(workers) > 1))
    except (CannotListen, WorkerFailed) as error:
        log.error("Error: %s", error)
        return 1
    return 0


def parsed(address: str) -> Address:
    host, _, port = address.rpartition(":")
    return host, int(port)


@contextlib.contextmanager
def owned() -> Iterator[None]:
    try:
        yield
    finally:
        log.info("context left")


def serve(address: Address, shared: bool) -> None:
    time.sleep(float(os.environ.get("PID_SERVICE_SLOW", "0")))
    asyncio.run(answer_until_signal(address, shared))


async def answer_until_signal(address: Address, shared: bool) -> None:
    from prometheus_client import Counter, Histogram

    answers = Counter("answers", "Lines answered.", ["kind"])
    seconds = Histogram("seconds", "Seconds an answer took, all 0.")
    failed = asyncio.get_running_loop().create_future()
    tasks: set[asyncio.Task[None] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        while line := await reader.readline():
            if line == b"fail\n":
                failed.set_exception(RuntimeError("as told"))
            answers.labels("pid").inc()
            seconds.observe(0)
            writer.write(b"%d\n" % os.getpid())
        writer.close()
        tasks.discard(asyncio.current_task())

    server = await asyncio.start_server(answer, sock=listen(address, "--listen", shared=shared))
    signals = stop_signals()
    log.info("listening on %s:%d", *server.sockets[0].getsockname()[:2])
    await next_of(asyncio.ensure_future(signals.get()), failed)
    log.info("stopping")
    server.close()
    haste = asyncio.ensure_future(signals.get())
    while tasks and not haste.done():
        await asyncio.sleep(0.01)
    log.info("stopped")


async def next_of(*futures: "asyncio.Future[object]") -> None:
    done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    for future in done:
        future.result()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
