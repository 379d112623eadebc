"""What the service's processes take: CPU time and memory."""

import contextlib
from collections.abc import Iterable

import psutil

from local.stack import Stack

PARTS = ("gateway", "server", "PostgreSQL")


class Cost:
    """An observer of a load. After it, `cpu` has the CPU seconds of each part in the window, `before` and `peak` the resident MiB of
    gateway and server together."""

    def __init__(self, running: Stack) -> None:
        assert running.postgres and running.postgres.pid  # the benchmark starts one of its own
        pids = (running.gateway.pid, running.server.pid, running.postgres.pid)
        self._roots = {part: psutil.Process(pid) for part, pid in zip(PARTS, pids, strict=True)}
        self._at_begin: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.before = self.peak = self._resident()

    def begin(self) -> None:
        self._at_begin = self._seconds()

    def sample(self) -> None:
        self.peak = max(self.peak, self._resident())

    def end(self) -> None:
        self.cpu = {part: seconds - self._at_begin[part] for part, seconds in self._seconds().items()}
        self.sample()

    def _seconds(self) -> dict[str, float]:
        return {part: sum(map(cpu_seconds, _tree(root))) for part, root in self._roots.items()}

    def _resident(self) -> float:
        found = (_resident_bytes(process) for part in ("gateway", "server") for process in _tree(self._roots[part]))
        return sum(found) / 2**20


def _tree(root: psutil.Process) -> Iterable[psutil.Process]:
    return [root, *root.children(recursive=True)]


def cpu_seconds(process: psutil.Process) -> float:
    """With those of its children that have ended: PostgreSQL starts and ends processes as it goes."""
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def _resident_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0
