"""Offers a load by its engines, all at once, until it ends or is ended."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import FrameType
from typing import Any

from loadtest.engines.engine import Engine, Job
from loadtest.live import Live

_SOON = 0.5  # seconds until a load that is ready begins


def offer(engines: Sequence[Engine], job: Job, begun: Callable[[float], Any] = lambda begin: None) -> None:
    """`begun` is told the moment of the begin, on time.time()'s clock. Raises EngineFailed; what had come until then is in the job's
    results."""
    for engine in engines:
        job.results.open(engine.api, len(job.shape.calls) if engine.chained else 1)
    with _ended_by_signals(job), ThreadPoolExecutor(len(engines)) as threads:
        _finish([threads.submit(engine.prepare, job) for engine in engines])
        begin = time.time() + _SOON
        begun(begin)
        live = Live(job.results, job.shape.seconds, begin)
        sending = [threads.submit(engine.send, job, begin) for engine in engines]
        while wait(sending, 0.2).not_done:
            live.show()
            if any(each.done() and each.exception() for each in sending):
                job.stop()
        live.end()
        _finish(sending)


def _finish(futures: Sequence[Future[None]]) -> None:
    wait(futures)
    for future in futures:
        future.result()


@contextlib.contextmanager
def _ended_by_signals(job: Job) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the load, and not the process."""

    def stop(number: int, frame: FrameType | None) -> None:
        job.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
