"""pg_dump under load, restored as another database beside."""

import contextlib
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from server._embedded_cluster import Cluster
from tests.database import Database
from tests.resilience.load import Load
from tests.resilience.stage import Stage
from tests.restore_drill.moment import moment
from tests.restore_drill.report import Report


@contextlib.contextmanager
def drill(stage: Stage, writes: int) -> Iterator[Report]:
    """A dump is a snapshot of some moment between its begin and its end."""
    stage.begin()
    cluster = Cluster.prepare(stage.folder)
    folder = stage.folder / "dump"
    cluster.account.make_private(folder)
    dump = str(folder / "payments")
    with Load(stage.apis(), stage.ledger) as load:
        load.wait_for(writes)
        with moment(stage.ledger) as taken:
            cluster.run("pg_dump", "--format", "custom", "--file", dump, stage.postgres.url)
        load.wait_for(writes)
    begin = time.monotonic()
    stage.postgres.execute("CREATE DATABASE restored TEMPLATE template0")
    url = urlsplit(stage.postgres.url)._replace(path="restored").geturl()
    cluster.run("pg_restore", "--exit-on-error", "--no-owner", "--dbname", url, dump)
    with contextlib.closing(Database(url)) as copy:
        yield Report("pg_dump", taken, stage.ledger, copy, time.monotonic() - begin)
