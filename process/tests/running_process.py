"""A command as a process of its own, with what it has written and the processes it has forked."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import PIPE
from typing import IO, Any, Self

import psutil

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the environment's http_proxy is not for this machine itself


class RunningProcess:
    """What it has written so far is in `text`, log lines in words; `requests` has the lines of requests, `lines` all others. `folder` has
    its temporary files. Killed with its workers when the context ends."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        """`variables` are added to the environment."""
        self._temporary = tempfile.TemporaryDirectory(prefix="payments-")
        self.folder = Path(self._temporary.name)
        environment = os.environ | variables | {"TMPDIR": str(self.folder)}
        self.process = subprocess.Popen(command, env=environment, text=True, start_new_session=True, stdout=PIPE, stderr=PIPE)
        self._written: list[str] = []
        self.lines: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self._children: list[psutil.Process] = []
        self._readers = [threading.Thread(target=self._read, args=(pipe,)) for pipe in (self.process.stdout, self.process.stderr)]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            read = json.loads(line) if line.startswith("{") else {}
            if read.get("event") == "request":
                self.requests.append(read)
            elif "event" in read:
                line = f"{read['level']} {read['logger']}: {read['event']}\n{read.get('exception', '')}"
            if read.get("event") != "request":
                self.lines.append(line)
            self._written.append(line)

    @property
    def text(self) -> str:
        return "".join(self._written)

    def line(self, pattern: str, seconds: float = 15) -> re.Match[str]:
        """Waits for a line of the log."""

        def found() -> re.Match[str] | None:
            return next((match for line in list(self.lines) if (match := re.search(pattern, line))), None)

        self.wait_until(lambda: found() or not any(reader.is_alive() for reader in self._readers), seconds)
        match = found()
        assert match, self.text
        return match

    def wait_until(self, condition: Callable[[], object], seconds: float = 15) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.text
            time.sleep(0.01)

    def workers(self, count: int) -> list[psutil.Process]:
        """Waits until that many are started; in the order of their numbers."""
        pids = [int(self.line(rf"worker {number} \(process (\d+)\) started")[1]) for number in range(1, count + 1)]
        self._children = [psutil.Process(pid) for pid in pids]
        return self._children

    def metrics(self) -> dict[str, float]:
        """The samples by name and labels, as the process itself, not a worker, shows them on 127.0.0.1."""
        for port in ports(psutil.Process(self.process.pid)):
            with contextlib.suppress(OSError, http.client.HTTPException):
                lines = [line for line in scrape(port).splitlines() if not line.startswith("#")]
                return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
        raise AssertionError("no port of the process shows metrics")

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 15) -> tuple[int, float]:
        """Sends a signal; the exit code, and how long it took."""
        begin = time.monotonic()
        self.process.send_signal(number)
        return self.ended(seconds), time.monotonic() - begin

    def ended(self, seconds: float = 15) -> int:
        """Waits for the end; the exit code. All that it has written is in `lines` then."""
        code = self.process.wait(seconds)
        psutil.wait_procs(self._children, seconds)
        for reader in self._readers:
            reader.join(seconds)
        return code

    def close(self) -> None:
        for each in self._children:
            if each.is_running():
                each.kill()
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def scrape(port: int, accept: str = "text/plain") -> str:
    """What a metrics port on 127.0.0.1 shows."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with _DIRECT.open(request, timeout=5) as answer:
        return str(answer.read().decode())


def ports(process: psutil.Process) -> set[int]:
    """The TCP ports that a process listens on."""
    return {each.laddr.port for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN}


def gone(processes: list[psutil.Process], seconds: float = 5) -> bool:
    """Whether they end within that time."""
    end = time.monotonic() + seconds
    while any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
