"""Several processes that serve one address, each with an event loop of its own."""

import contextlib
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

from process.listening import Address, CannotListen, listen, reserve
from process.stopping import STOP_SIGNALS

log = logging.getLogger("process")


class WorkerFailed(Exception):
    """A worker ended unasked, or not with exit code 0; str() says which and how."""


def run_workers(count: int, address: Address, metrics_address: Address, serve: Callable[[Address], None]) -> None:
    """Calls `serve`, which serves until SIGTERM or SIGINT, in `count` processes that share an address; returns when all have ended cleanly.

    One worker is this process itself, and `serve` gets the address as it stands. Several are forked, and `serve` gets the address with its
    port chosen, listens with SO_REUSEPORT, by which the kernel spreads connections, and leaves metrics to this process. It has to import
    gRPC and prometheus_client itself: neither may be loaded before the fork, as gRPC does not survive one and prometheus_client decides at
    its import where it keeps values. These are in files of a temporary folder, and their sums are served at `metrics_address`. After a
    kill -9 the folder, named payments-metrics-…, stays among the system's temporary files.

    Signals are passed on, a second one too. When a worker ends unasked, the others are stopped as by SIGTERM, and WorkerFailed ends the
    command, so that the orchestrator starts the whole anew, with its back-off and its alarms: nothing serves for long with half its
    workers, and no crash hides behind restarts that nobody sees. When this process is killed, the workers stop as by SIGTERM.

    Raises CannotListen and WorkerFailed.
    """
    if count == 1:
        return serve(address)
    assert "grpc" not in sys.modules and "prometheus_client" not in sys.modules
    listen(metrics_address, "--metrics-listen").close()  # an error before there are workers, not after
    with (
        reserve(address, "--listen") as reserved,
        _awaited_signals() as awaited,
        tempfile.TemporaryDirectory(prefix="payments-metrics-") as folder,
        _Workers() as workers,
    ):
        shared = (address[0], int(reserved.getsockname()[1]))
        for _ in range(count):
            workers.fork(serve, shared, folder)
        from process.metrics import serve_metrics

        serve_metrics(metrics_address, folder)
        workers.wait(awaited)


@contextlib.contextmanager
def _awaited_signals() -> Iterator[frozenset[signal.Signals]]:
    """The signals that wait for sigwait meanwhile, so that none comes between a fork and its being noted."""
    awaited = STOP_SIGNALS | {signal.SIGCHLD}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    # What is ignored, as SIGCHLD is without a handler, may be lost even while it is blocked.
    ignored = signal.signal(signal.SIGCHLD, lambda number, frame: None)
    try:
        yield awaited
    finally:
        signal.signal(signal.SIGCHLD, ignored)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


class _Workers:
    """The processes that run. None is left when the context ends."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}  # by the process id
        self._stopping = False
        self._failure: str | None = None
        # Nothing is ever written: a worker that can read has lost its parent.
        self._parent_gone, self._parent_here = os.pipe()

    def fork(self, serve: Callable[[Address], None], address: Address, folder: str) -> None:
        """Starts one more, whose metrics go to `folder`."""
        pid = os.fork()
        if not pid:
            os.close(self._parent_here)
            _work(serve, address, folder, self._parent_gone)
        self._names[pid] = f"worker {len(self._names) + 1} (process {pid})"
        log.info("%s started", self._names[pid])

    def wait(self, awaited: frozenset[signal.Signals]) -> None:
        """Until all have ended; passes signals on. Raises WorkerFailed."""
        while self._names:
            number = signal.sigwait(awaited)
            if number in STOP_SIGNALS:
                self._stop(number)
            else:
                self._note_ended()
        if self._failure:
            raise WorkerFailed(self._failure)

    def _stop(self, number: int) -> None:
        self._stopping = True
        for pid in self._names:
            os.kill(pid, number)

    def _note_ended(self) -> None:
        for pid in list(self._names):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            name, code = self._names.pop(pid), os.waitstatus_to_exitcode(status)
            if code or not self._stopping:
                how = f"exited with code {code}" if code >= 0 else f"was ended by signal {-code}: {signal.strsignal(-code)}"
                log.error("%s %s", name, how)
                self._failure = self._failure or f"{name} {how}"
            if not self._stopping:
                log.info("stopping the other workers")
                self._stop(signal.SIGTERM)

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *error: object) -> None:
        self._stop(signal.SIGTERM)  # those that a failed start leaves
        for pid in self._names:
            os.waitpid(pid, 0)
        os.close(self._parent_gone)
        os.close(self._parent_here)


def _work(serve: Callable[[Address], None], address: Address, folder: str, parent_gone: int) -> NoReturn:
    """A worker's whole life. It ends here: the contexts and exit handlers that the fork has copied are the parent's to leave and to run."""
    code = 1
    try:
        os.setpgid(0, 0)  # a terminal's Ctrl-C is for the parent to pass on: coming twice, it would skip the waiting
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})  # the others stay blocked until stop_signals() awaits them
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        threading.Thread(target=_stop_with_parent, args=(parent_gone,), daemon=True).start()
        serve(address)
        code = 0
    except CannotListen as error:
        log.error("%s", error)
    except BaseException:
        log.exception("the worker failed")
    finally:
        os._exit(code)


def _stop_with_parent(parent_gone: int) -> None:
    os.read(parent_gone, 1)
    log.warning("the parent process has ended")
    os.kill(os.getpid(), signal.SIGTERM)
