"""Expand and contract: the server before this one runs on the schema of this one, and this one on the schema before it, so that neither a
deploy nor its rollback breaks.

The server before this one is that of the last release, from its tag. Until there is a tag it is this one, on every schema that a newer
migration has left behind.
"""

import contextlib
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from payments.v1 import payments_pb2 as pb
from server.database import make_engine
from server.migrate import migrate
from server.tests.server_process import Server

ROOT = Path(__file__).parents[2]
MIGRATIONS = "server/migrations"


def configuration(root: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(root / MIGRATIONS))
    return config


def revisions(root: Path) -> list[str]:
    """Oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(configuration(root)).walk_revisions()][::-1]


def migrate_to(url: str, revision: str) -> None:
    engine = make_engine(url, pool_size=1).execution_options(isolation_level="READ COMMITTED")
    with engine.begin() as connection:
        config = configuration(ROOT)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


@contextlib.contextmanager
def last_release(folder: Path) -> Iterator[Path]:
    """The repository as the last tag has it; as it is now where there is none."""
    git = ["git", "-C", str(ROOT)]
    tag = subprocess.run([*git, "describe", "--tags", "--abbrev=0"], capture_output=True, text=True).stdout.strip()
    if not tag:
        yield ROOT
        return
    subprocess.run([*git, "worktree", "add", "--detach", str(folder), tag], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "worktree", "remove", "--force", str(folder)], check=True, capture_output=True)


def use_everything(url: str, root: Path) -> None:
    """Every RPC once, against the server of `root`."""
    path = os.pathsep.join([str(root), str(root / "proto")])
    with Server(url, PYTHONPATH=path, PYTHONSAFEPATH="1") as server:
        server.wait_until_serving()
        payments = server.payments
        request = pb.CreatePaymentRequest(data='{"order":17}', payment="1234.50", request_id=uuid.uuid4().hex)
        created = payments.CreatePayment(request, timeout=10)
        assert payments.CreatePayment(request, timeout=10).id == created.id
        batch = payments.BatchCreatePayments(
            pb.BatchCreatePaymentsRequest(requests=[pb.CreatePaymentRequest(data="{}", payment="1")]), timeout=10
        )
        assert batch.results[0].payment.id
        assert payments.GetPayment(pb.GetPaymentRequest(id=created.id), timeout=10) == created
        first = payments.ListPayments(pb.ListPaymentsRequest(page_size=1), timeout=10)
        assert payments.ListPayments(pb.ListPaymentsRequest(page_size=1, page_token=first.next_page_token), timeout=10).payments
        updated = payments.UpdatePayment(pb.UpdatePaymentRequest(id=created.id, status=pb.STATUS_CONSUMED, etag=created.etag), timeout=10)
        assert payments.DeletePayment(pb.DeletePaymentRequest(id=created.id, etag=updated.etag), timeout=10) == updated


def test_the_last_release_runs_on_the_newest_schema(new_database: Callable[..., str], tmp_path: Path) -> None:
    url = new_database()
    migrate(url)
    with last_release(tmp_path / "release") as root:
        use_everything(url, root)


def test_this_server_runs_on_the_schema_before_the_newest_until_it_is_migrated(new_database: Callable[..., str], tmp_path: Path) -> None:
    url = new_database()
    with last_release(tmp_path / "release") as root:
        before = revisions(root)[-1]
    if before == revisions(ROOT)[-1] and len(revisions(ROOT)) > 1:
        before = revisions(ROOT)[-2]
    migrate_to(url, before)
    use_everything(url, ROOT)
    migrate(url)
    use_everything(url, ROOT)
