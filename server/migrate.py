"""Brings the schema up to date, once, however many processes try at the same time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from server.database import Password, make_engine
from server.grants import grant

OLDEST = 15  # PostgreSQL's major version

_LOCK = 0x7061796D656E7473  # "payments" in ASCII: whose lock it is can be seen in pg_locks


class UnsuitableDatabase(Exception):
    """The database is older than OLDEST, or cannot hold every character."""


def migrate(url: str, app_role: str | None = None, password: Password | None = None) -> None:
    """Migrates to the newest version and gives `app_role` what serving takes; does nothing where that is so.

    Raises UnsuitableDatabase, UnsuitableRole and SQLAlchemy's errors.
    """
    engine = make_engine(url, 1, password).execution_options(isolation_level="READ COMMITTED")
    try:
        with engine.begin() as connection:
            version = int(connection.execute(text("SHOW server_version_num")).scalar_one())
            if version < OLDEST * 10_000:
                raise UnsuitableDatabase(f"PostgreSQL {OLDEST} or newer is needed; this is {version // 10_000}")
            encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
            if encoding != "UTF8":
                raise UnsuitableDatabase(f"a database with the encoding UTF8 is needed; this has {encoding}")
            # Bound to the transaction, so that a transaction pooler may stand between.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if app_role:
                grant(connection, app_role)
    finally:
        engine.dispose()
