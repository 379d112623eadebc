"""A PostgreSQL of one script's own: started in a temporary folder, removed at the end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))  # one of the scripts runs in an environment of its own, without this project

from local.stack import temporary_folder
from server import embedded


@contextmanager
def scratch_database() -> Iterator[str]:
    """The URL of a running, empty PostgreSQL."""
    with temporary_folder() as folder, embedded.start(folder) as server:
        yield server.url
