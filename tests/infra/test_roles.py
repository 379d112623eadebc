"""roles.sql, as an administrator who may what RDS's may: make roles and databases, and no more."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from server import embedded
from server.migrate import migrate
from tests.infra.conftest import SOURCE

SQL = (SOURCE / "modules" / "database" / "roles.sql").read_text()


def execute(url: str, *statements: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@pytest.fixture(scope="module")
def administrator() -> Iterator[str]:
    """The URL of a database payments as RDS hands it over."""
    with tempfile.TemporaryDirectory(prefix="payments-", dir="/tmp") as name, embedded.start(Path(name)) as postgres:
        execute(
            postgres.url,
            "CREATE ROLE rds_iam",
            "CREATE ROLE payments_admin LOGIN CREATEROLE CREATEDB",
            "GRANT rds_iam TO payments_admin WITH ADMIN OPTION",
            "CREATE DATABASE payments OWNER payments_admin",
        )
        yield postgres.url.replace("/postgres?", "/payments?").replace("payments@", "payments_admin@")


def test_the_owner_migrates_and_the_other_serves(administrator: str) -> None:
    execute(administrator, SQL)
    execute(administrator, SQL)
    owner, app = (administrator.replace("payments_admin@", f"{role}@") for role in ("payments_owner", "payments_app"))
    migrate(owner, "payments_app")
    execute(app, "SELECT FROM payments")
    for refused in ("CREATE TABLE mine ()", "DROP TABLE payments", "TRUNCATE payments", "CREATE SCHEMA mine"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            execute(app, refused)


def test_the_administrator_does_not_stay_a_member_of_the_owner(administrator: str) -> None:
    execute(administrator, SQL)
    connection = psycopg2.connect(administrator)
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, pg_has_role('payments_admin', oid, 'USAGE') FROM pg_roles WHERE rolname = 'payments_owner'")
        assert cursor.fetchall() == [("payments_owner", False)]
    connection.close()


def test_others_do_not_even_connect(administrator: str) -> None:
    execute(administrator, SQL, "DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN")
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        execute(administrator.replace("payments_admin@", "stranger@"), "SELECT 1")
