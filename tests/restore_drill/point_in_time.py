"""A base backup and archived WAL, both taken under load, restored beside to a moment (recovery_target_time)."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from server._embedded_account import Account
from server._embedded_cluster import Cluster
from tests.database import Database
from tests.resilience.load import Load
from tests.resilience.postgres import Postgres
from tests.resilience.stage import Stage, until
from tests.restore_drill.moment import moment
from tests.restore_drill.report import Report


@contextlib.contextmanager
def drill(stage: Stage, writes: int) -> Iterator[Report]:
    """The restored PostgreSQL runs for as long as the context lasts."""
    stage.begin()
    cluster = Cluster.prepare(stage.folder)
    archive, backup = stage.folder / "archive", stage.folder / "backup"
    for folder in (archive, backup, backup / "postgres"):
        cluster.account.make_private(folder)
    stage.postgres.configure("archive_command", f"'test ! -f {archive}/%f && cp %p {archive}/%f'")
    stage.postgres.configure("archive_mode", "on")
    stage.postgres.stop()
    stage.postgres.start()
    with Load(stage.apis(), stage.ledger) as load:
        load.wait_for(writes)
        # No WAL with it: what comes from the archive is all that there is.
        data = str(backup / "postgres")
        cluster.run("pg_basebackup", "--pgdata", data, "--checkpoint", "fast", "--wal-method", "none", "--dbname", stage.postgres.url)
        cluster.run("pg_verifybackup", "--no-parse-wal", data)
        load.wait_for(writes)
        with moment(stage.ledger) as taken:
            ((target,),) = stage.postgres.rows("SELECT clock_timestamp()")
        load.wait_for(writes)
    _archive_the_rest(stage.postgres)
    begin = time.monotonic()
    _recover_to(target, cluster.account, backup / "postgres", archive)
    restored = Postgres(backup)
    try:
        restored.wait()  # it can be written to when recovery has ended
        with contextlib.closing(Database(restored.url)) as copy:
            yield Report("base backup and WAL", taken, stage.ledger, copy, time.monotonic() - begin)
    finally:
        restored.stop("immediate")


def _archive_the_rest(postgres: Postgres) -> None:
    """The segment that is being written goes into the archive when it is full, or at a switch."""
    ((segment,),) = postgres.rows("SELECT pg_walfile_name(pg_switch_wal())")
    until(lambda: postgres.rows(f"SELECT 1 FROM pg_stat_archiver WHERE last_archived_wal >= '{segment}'"), "the WAL is archived")


def _recover_to(target: datetime, account: Account, data: Path, archive: Path) -> None:
    """What the next start of that PostgreSQL does (PostgreSQL's documentation, "Recovering Using a Continuous Archive Backup")."""
    settings = {
        "archive_mode": "off",
        "restore_command": f"cp {archive}/%f %p",
        "recovery_target_time": target.isoformat(),
        "recovery_target_action": "promote",
    }
    with (data / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    signal = data / "recovery.signal"
    signal.touch()
    if account.name:
        shutil.chown(signal, account.name, account.name)
