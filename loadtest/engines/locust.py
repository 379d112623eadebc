"""Load over REST by Locust (https://locust.io): processes with a loop of gevent each, which this one starts and listens to."""

import dataclasses
import json
import signal
import subprocess
import sys
import threading
from importlib import metadata
from typing import IO, Any

from loadtest.engines.engine import EngineFailed, Job
from loadtest.plan.schedule import slices
from loadtest.results import Kind

BUSY, LATE = 0.85, 0.05  # of one core, and seconds: then it is the generator that is slow
_START = 60.0  # seconds for a process to be ready
_END = 10.0  # seconds for one that has told all to end


class Locust:
    """The engine."""

    api = "REST"
    chained = True

    version = f"Locust {metadata.version('locust')}"

    def __init__(self) -> None:
        self._workers: list[_Worker] = []

    def prepare(self, job: Job) -> None:
        shares = min(job.shape.processes, job.shape.concurrency)
        self._workers = [_Worker(job, share, shares) for share in range(shares)]
        try:
            for worker in self._workers:
                worker.wait_until_ready()
        except BaseException:
            self._end()
            raise

    def send(self, job: Job, begin: float) -> None:
        try:
            for worker in self._workers:
                worker.begin(begin)
            listening = [threading.Thread(target=worker.listen) for worker in self._workers]
            for thread in listening:
                thread.start()
            while any(thread.is_alive() for thread in listening):
                if job.stopping.is_set():
                    for worker in self._workers:
                        worker.stop()
                listening[0].join(0.1)
                listening = [thread for thread in listening if thread.is_alive()] or listening
            for worker in self._workers:
                worker.check()
            dues = (slice.begin + due for slice in slices(job.shape.phases) for due in slice.phase.due())
            job.results.offer(Locust.api, sum(begin + due < job.stopped for due in dues) * len(job.shape.calls))
        finally:
            self._end()

    def _end(self) -> None:
        for worker in self._workers:
            worker.end()


class _Worker:
    """One process. It gets its work by standard input: an API key is in it, and the arguments of a process are for everybody to see."""

    def __init__(self, job: Job, share: int, shares: int) -> None:
        self._job = job
        shape = job.shape
        users = shape.concurrency // shares + (share < shape.concurrency % shares)
        work = {
            "run": job.run,
            "url": job.target.rest.rstrip("/"),
            "ca": job.target.ca,
            "key": job.key,
            "calls": [call.name for call in shape.calls],
            "phases": [dataclasses.asdict(phase) for phase in shape.phases],
            "share": share,
            "shares": shares,
            "users": users,
            "timeout": shape.timeout,
        }
        self._ended = self._stopped = False
        self._said: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "loadtest.engines.locust_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()
        self._write(json.dumps(work))

    @property
    def _output(self) -> IO[str]:
        assert self._process.stdout
        return self._process.stdout

    def _hear(self) -> None:
        """What Locust logs, so that it never waits for somebody to read it; the last lines are kept."""
        assert self._process.stderr
        for line in self._process.stderr:
            self._said = [*self._said[-20:], line]

    def _write(self, line: str) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None

    def _failure(self) -> EngineFailed:
        self._hearing.join(1)
        return EngineFailed(f"a process of Locust ended: {''.join(self._said).strip() or 'without a word'}")

    def wait_until_ready(self) -> None:
        patience = threading.Timer(_START, self._process.kill)
        patience.start()
        try:
            if not self._output.readline():
                raise self._failure()
        finally:
            patience.cancel()

    def begin(self, moment: float) -> None:
        self._write(repr(moment))

    def listen(self) -> None:
        """Until it has told all."""
        for line in self._output:
            told: dict[str, Any] = json.loads(line)
            for call, due, latency, outcome, accepted in told.get("rows", ()):
                self._job.results.add(Locust.api, due, latency, Kind(call, outcome, accepted))
            for text in told.get("wrong", ()):
                self._job.results.contradict(Locust.api, text)
            if told.get("ended"):
                self._ended = True
                if told["busy"] > BUSY or told["late"] > LATE:
                    found = f"busy for {told['busy']:.0%} of a core, and late by {told['late'] * 1000:.0f} ms"
                    self._job.results.note(f"a process of Locust was {found}: give the shape more processes, or it another machine")
                return

    def stop(self) -> None:
        if not self._stopped and self._process.poll() is None:
            self._stopped = True
            self._process.send_signal(signal.SIGINT)

    def check(self) -> None:
        if not self._ended:
            raise self._failure()

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
