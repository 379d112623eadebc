"""Load over gRPC by ghz (https://ghz.sh): one process for each call of a slice. Its reflection client does not understand every server, so
it is given the descriptors that the client package has."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from loadtest.calls import Call
from loadtest.engines.contradictions import contradictions
from loadtest.engines.engine import EngineFailed, Job
from loadtest.engines.ghz_report import Due, from_due, read
from loadtest.engines.removal import remove
from loadtest.plan.schedule import GRACE, Phase, Slice, slices
from loadtest.results import NOT_SENT, Kind
from payments.v1.metadata import PAYMENT_ID

SERVICE = "payments.v1.PaymentService"
_PATIENCE = 10  # seconds more than a call's timeout until a ghz that does not end is killed
MISSING = (
    "ghz is not installed: `make tools` builds it, which needs Go; or take a release from https://github.com/bojand/ghz/releases"
    " and put it on PATH, or name it by --ghz"
)


def find(given: str = "") -> str:
    """The program: what is given, beside this Python, or on PATH. Raises EngineFailed where there is none."""
    beside = str(Path(sys.executable).with_name("ghz"))
    found = shutil.which(given) if given else shutil.which(beside) or shutil.which("ghz")
    if not found:
        raise EngineFailed(f"{given} is not a program" if given else MISSING)
    return found


@dataclass(frozen=True)
class Run:
    """What one process of ghz does: a scenario in its own terms."""

    call: Call
    data: dict[str, Any]  # a template of the request's JSON, as ghz fills them
    metadata: dict[str, str]  # the same of the call's metadata
    concurrency: int
    connections: int
    phase: Phase
    timeout: int

    def configuration(self, job: Job, output: Path, descriptors: Path) -> dict[str, Any]:
        target, phase = job.target, self.phase
        concurrency = min(self.concurrency, phase.count)
        schedule: dict[str, Any] = {"rps": phase.rate}
        if phase.step:
            kind = "line" if phase.every == 1 else "step"
            schedule = {"load-schedule": kind, "load-start": phase.rate, "load-step": phase.step, "load-step-duration": f"{phase.every}s"}
        security = {"cacert": target.ca} if target.ca else {}
        return {
            "host": target.grpc,
            "call": f"{SERVICE}.{self.call.rpc}",
            "protoset": str(descriptors),
            "insecure": not target.grpc_tls,
            **security,
            **schedule,
            "total": phase.count,
            "concurrency": concurrency,
            "connections": min(self.connections, concurrency),
            "duration-stop": "wait",
            "timeout": f"{self.timeout}s",
            "data": self.data,
            "metadata": self.metadata,
            "format": "json",
            "output": str(output),
        }


class Ghz:
    """The engine. `program`: a path of ghz."""

    api = "gRPC"
    chained = False

    def __init__(self, program: str) -> None:
        self._program = program

    @property
    def version(self) -> str:
        """As it calls itself, which is "dev" where Go built it."""
        said = subprocess.run([self._program, "--version"], capture_output=True, text=True, check=False)
        return f"ghz {(said.stdout + said.stderr).strip()}"

    def prepare(self, job: Job) -> None:
        """ghz starts in no time."""

    def send(self, job: Job, begin: float) -> None:
        with tempfile.TemporaryDirectory(prefix="payments-load-") as folder:
            descriptors = resources.files("payments.v1").joinpath("payments.binpb")
            with resources.as_file(descriptors) as path:
                asyncio.run(_Sending(self._program, job, begin, Path(folder), path).run())


@dataclass(frozen=True)
class _Sending:
    program: str
    job: Job
    begin: float
    folder: Path
    descriptors: Path

    async def run(self) -> None:
        lives: list[asyncio.Future[None]] = []
        try:
            for slice in slices(self.job.shape.phases):
                if not await self._wait_until(self.begin + slice.begin):
                    break
                failed = [life for life in lives if life.done() and life.exception()]
                if failed:
                    break
                lives.append(asyncio.ensure_future(self._live(slice)))
            await asyncio.gather(*lives)
        finally:
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)

    async def _wait_until(self, moment: float) -> bool:
        """Whether the load goes on then."""
        while not self.job.stopping.is_set() and time.time() < moment:
            await asyncio.sleep(min(0.1, max(0.001, moment - time.time())))
        return not self.job.stopping.is_set()

    async def _live(self, slice: Slice) -> None:
        """All calls of a slice's payments: each call of all of them, then the next."""
        calls = self.job.shape.calls
        ids = _ids(self.job.run, slice)
        outcomes: dict[Call, Counter[str]] = {}
        for call in calls:
            if self.job.stopping.is_set() and outcomes:
                break
            outcomes[call] = self._note(call, slice, await self._run(self._of(call, slice, ids)))
        else:
            for text in contradictions(calls, slice.phase.count, outcomes):
                self.job.results.contradict(Ghz.api, text)
            return
        if any(call.name == "delete" for call in calls):
            await asyncio.to_thread(remove, self.job, [ids.of(number) for number in range(slice.phase.count)])

    def _of(self, call: Call, slice: Slice, ids: "_Ids") -> Run:
        shape, job = self.job.shape, self.job
        metadata = {"authorization": f"Bearer {job.key}"} if job.key else {}
        if call.name == "create":
            data = {
                "data": f'{{"load":"{job.run}","number":{{{{.RequestNumber}}}}}}',
                "payment": "{{mod (mul .RequestNumber 7919) 100000}}.{{printf `%02d` (mod .RequestNumber 100)}}",
            }
            if len(shape.calls) > 1:
                metadata[PAYMENT_ID] = ids.template
            else:
                data["request_id"] = f"{job.run}-{slice.number}-{{{{.RequestNumber}}}}"
        else:
            data = call.message(ids.template)
        return Run(call, data, metadata, shape.concurrency, shape.connections, slice.phase, shape.timeout)

    async def _run(self, run: Run) -> list[Due]:
        """Raises EngineFailed."""
        name = uuid.uuid4().hex
        configuration, output = self.folder / f"{name}.json", self.folder / f"{name}.out"
        configuration.touch(0o600)  # an API key is in it
        configuration.write_text(json.dumps(run.configuration(self.job, output, self.descriptors)))
        began = time.time()
        process = await asyncio.create_subprocess_exec(
            self.program, f"--config={configuration}", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            said = await self._wait(process, began + run.phase.seconds + GRACE, run.timeout)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        try:
            return list(from_due(read(output.read_text()), run.phase, began))
        except (OSError, ValueError) as error:
            raise EngineFailed(f"ghz has no report of {run.call.title}: {said.strip() or error}") from error
        finally:
            configuration.unlink()
            output.unlink(missing_ok=True)

    async def _wait(self, process: asyncio.subprocess.Process, end: float, timeout: int) -> str:
        """Until it ends; it is told to, by SIGINT, at a moment or when the load is stopped. What it said on stderr."""
        assert process.stderr
        saying = asyncio.ensure_future(process.stderr.read())
        while not saying.done() and time.time() < end and not self.job.stopping.is_set():
            await asyncio.wait([saying], timeout=0.1)
        if not saying.done():
            process.send_signal(signal.SIGINT)
        try:
            return (await asyncio.wait_for(saying, timeout + _PATIENCE)).decode(errors="replace")
        except TimeoutError:
            return f"it did not end within {timeout + _PATIENCE} seconds"

    def _note(self, call: Call, slice: Slice, made: list[Due]) -> Counter[str]:
        results, counted = self.job.results, Counter(each.status for each in made)
        for each in made:
            results.add(Ghz.api, each.due - self.begin, each.latency, Kind(call.title, each.status, each.status == call.expected))
        stopped = self.job.stopped - self.begin
        unsent = [due for due in list(slice.phase.due())[len(made) :] if slice.begin + due < stopped]
        for due in unsent:
            counted[NOT_SENT] += 1
            results.add(Ghz.api, slice.begin + due, slice.phase.seconds - due, Kind(call.title, NOT_SENT, False))
        results.offer(Ghz.api, len(made) + len(unsent))
        return counted


@dataclass(frozen=True)
class _Ids:
    """Of a slice's payments: UUIDs of version 7 (RFC 9562) that end with the number of the payment, so that calls made by different
    processes of ghz mean the same payments."""

    prefix: str  # all but the last twelve digits

    @property
    def template(self) -> str:
        return f"{self.prefix}{{{{printf `%012x` .RequestNumber}}}}"

    def of(self, number: int) -> str:
        return f"{self.prefix}{number:012x}"


def _ids(run: str, slice: Slice) -> _Ids:
    milliseconds = f"{time.time_ns() // 1_000_000:012x}"
    return _Ids(f"{milliseconds[:8]}-{milliseconds[8:]}-7{uuid.uuid4().hex[:3]}-8{slice.number % 4096:03x}-")
