"""Migrations, run again and by several processes at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from server.migrate import UnsuitableDatabase, migrate


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


def test_several_processes_may_migrate_at_once(new_database: Callable[..., str]) -> None:
    url = new_database()
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(migrate, url) for _ in range(4)]:
            done.result(timeout=30)
    assert rows(url, "SELECT count(*) FROM alembic_version") == [(1,)]
    assert rows(url, "SELECT count(*), octet_length(min(key::text)) FROM page_token_key") == [(1, 66)]


def test_migrating_again_changes_nothing(owner_url: str) -> None:
    before = rows(owner_url, "SELECT key FROM page_token_key"), rows(owner_url, "SELECT oid FROM pg_class WHERE relname = 'payments'")
    migrate(owner_url)
    assert before == (
        rows(owner_url, "SELECT key FROM page_token_key"),
        rows(owner_url, "SELECT oid FROM pg_class WHERE relname = 'payments'"),
    )


def test_a_migration_that_waits_for_another_leaves_no_lock_behind(owner_url: str) -> None:
    migrate(owner_url)
    assert rows(owner_url, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


def test_a_database_that_cannot_hold_every_character_is_refused(new_database: Callable[..., str]) -> None:
    url = new_database("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(UnsuitableDatabase, match="LATIN1"):
        migrate(url)
    assert rows(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
