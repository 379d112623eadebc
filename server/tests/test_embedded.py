"""The embedded PostgreSQL: data survive, crashes heal, users of one folder share, nobody else gets in."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from server import _embedded_cluster, embedded
from server.embedded import EmbeddedPostgres, EmbeddedPostgresError

HOLDER = """\
import sys, time
from pathlib import Path
from server import embedded

with embedded.start(Path(sys.argv[1])) as postgres:
    print(postgres.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Under /tmp itself: pytest's own folders are closed to the account that PostgreSQL runs as when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="payments-", dir="/tmp") as name:
        path = Path(name)
        yield path
        embedded.start(path).stop() if (path / "postgres" / "postmaster.pid").exists() else None


def query(postgres: EmbeddedPostgres, statement: str) -> object:
    connection = psycopg2.connect(postgres.url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index]
    finally:
        connection.close()


def hold(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """Another process that uses the PostgreSQL of a folder until its input ends; and the postmaster's process id."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_data_survive_a_restart_at_the_same_url(folder: Path) -> None:
    with embedded.start(folder) as postgres:
        first = postgres.url
        query(postgres, "CREATE TABLE kept AS SELECT 17 AS number")
    assert postgres.pid is None
    with embedded.start(folder) as postgres:
        assert postgres.url == first
        assert query(postgres, "SELECT number FROM kept") == 17


def test_commits_are_durable_sorting_is_by_code_point_and_only_we_get_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "xx_XX.nonsense")
    with embedded.start(folder) as postgres:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert query(postgres, f"SHOW {setting}") == "on"
        assert query(postgres, "SELECT string_agg(x, '' ORDER BY x) FROM unnest(ARRAY['b', 'B', 'ä', 'a']) x") == "Babä"
        assert query(postgres, "SHOW server_encoding") == "UTF8"
        assert query(postgres, "SHOW listen_addresses") == ""
        for closed in (folder / "postgres", folder / "socket"):
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_path_too_long_for_a_socket_works_and_keeps_its_url(folder: Path) -> None:
    long = folder / ("x" * 120)
    folder.chmod(0o711)
    with embedded.start(long) as postgres:
        first = postgres.url
        assert query(postgres, "SELECT 1") == 1
    with embedded.start(long) as postgres:
        assert postgres.url == first
    sockets = Path((long / "socket-folder").read_text())
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    sockets.rmdir()


def test_two_folders_at_once_are_two_servers(folder: Path) -> None:
    folder.chmod(0o711)
    with embedded.start(folder / "one") as one, embedded.start(folder / "two") as two:
        query(one, "CREATE TABLE only_here ()")
        assert query(two, "SELECT to_regclass('only_here')") is None


def test_a_folder_in_use_is_shared_and_stops_with_its_last_user(folder: Path) -> None:
    process, pid = hold(folder)
    with embedded.start(folder) as postgres:
        assert postgres.pid == pid
        process.communicate("")
        assert query(postgres, "SELECT 1") == 1
    assert postgres.pid is None


def test_what_a_killed_process_left_running_is_adopted_and_stopped(folder: Path) -> None:
    process, pid = hold(folder)
    process.kill()
    process.wait()
    with embedded.start(folder) as postgres:
        assert postgres.pid == pid
    assert postgres.pid is None


def test_a_killed_postgresql_recovers_its_data(folder: Path) -> None:
    with embedded.start(folder) as postgres:
        query(postgres, "CREATE TABLE kept AS SELECT 17 AS number")
        killed = postgres.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        until(lambda: postgres.pid is None)
    with embedded.start(folder) as postgres:
        assert postgres.pid != killed
        assert query(postgres, "SELECT number FROM kept") == 17


def test_a_pid_file_that_names_another_program_does_not_stop_the_start(folder: Path) -> None:
    embedded.start(folder).stop()
    (folder / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder / 'postgres'}\n1\n5432\n\n\n\nready\n")
    with embedded.start(folder) as postgres:
        assert postgres.pid != os.getpid()
        assert query(postgres, "SELECT 1") == 1


def test_a_killed_initdb_leaves_nothing_that_looks_like_data(folder: Path) -> None:
    (folder / "postgres.unfinished").mkdir()
    (folder / "postgres.unfinished" / "PG_VERSION").write_text("18\n")
    with embedded.start(folder) as postgres:
        assert query(postgres, "SELECT 1") == 1


def test_data_of_another_major_version_are_refused(folder: Path) -> None:
    embedded.start(folder).stop()
    (folder / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedPostgresError, match="of PostgreSQL 12, and this is PostgreSQL 18"):
        embedded.start(folder)


def test_a_folder_that_cannot_be_made_is_named(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match=f"cannot use {folder}/file/data"):
        embedded.start(folder / "file" / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_root_opens_no_folder_above_the_data(folder: Path) -> None:
    folder.chmod(0o700)
    with pytest.raises(EmbeddedPostgresError, match=r"cannot enter .*: set PAYMENTS_DATA_DIR"):
        embedded.start(folder / "data")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_root_copies_binaries_that_the_other_user_cannot_reach(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_embedded_cluster, "_runs", lambda binaries, account: False)  # as in an environment under /root
    with embedded.start(folder) as postgres:
        assert query(postgres, "SELECT 1") == 1
        assert Path(psutil.Process(postgres.pid).exe()).is_relative_to(folder)


def test_stopping_twice_does_nothing(folder: Path) -> None:
    postgres = embedded.start(folder)
    postgres.stop()
    postgres.stop()


def test_the_environment_says_where_data_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENTS_DATA_DIR", "/somewhere/else")
    assert embedded.default_folder() == Path("/somewhere/else")
