"""What the role that serves may and may not do. That it may do enough is what all other tests here prove: they run as it."""

from collections.abc import Callable

import psycopg2
import psycopg2.errors
import pytest

from payments.v1 import payments_pb2 as pb
from server.grants import GRANTS, UnsuitableRole
from server.migrate import migrate
from server.tests.conftest import run
from server.tests.server_process import Server
from server.tests.server_process import run as payments_server

Query = Callable[..., list[tuple[object, ...]]]


def privileges(query: Query) -> set[tuple[object, ...]]:
    return set(query("SELECT table_name, privilege_type FROM information_schema.table_privileges WHERE grantee = 'payments_app'"))


GRANTED = {(table, privilege) for table, given in GRANTS.items() for privilege in given.split(", ")}


def test_the_role_has_what_is_listed_on_the_tables_and_nothing_else(query: Query) -> None:
    assert privileges(query) == GRANTED


def test_every_table_of_the_migrations_has_grants(query: Query) -> None:
    tables = {name for (name,) in query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert tables - {"alembic_version"} == set(GRANTS)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE mine",
        "CREATE INDEX ON payments (payment)",
        "DROP TABLE payments",
        "TRUNCATE payments",
        "ALTER TABLE payments ADD COLUMN mine int",
        "ALTER TABLE payments DISABLE TRIGGER ALL",
        "UPDATE page_token_key SET key = key",
        "DELETE FROM page_token_key",
        "SELECT * FROM alembic_version",
        "SELECT * FROM other.secrets",
        "SELECT * FROM pg_authid",
        "COPY payments TO PROGRAM 'true'",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
def test_the_role_can_neither_change_the_schema_nor_read_what_is_not_its_own(url: str, query: Query, statement: str) -> None:
    query("CREATE SCHEMA IF NOT EXISTS other")
    query("CREATE TABLE IF NOT EXISTS other.secrets (secret text)")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run(url, statement)


def test_the_role_cannot_pass_its_rights_on(url: str, query: Query) -> None:
    run(url, "GRANT SELECT ON payments TO PUBLIC")  # of which PostgreSQL only warns
    assert query("SELECT has_table_privilege('pg_monitor', 'payments', 'SELECT')") == [(False,)]


def test_migrating_again_restores_the_grants_and_takes_back_what_is_too_much(owner_url: str, query: Query) -> None:
    query("GRANT ALL ON payments, alembic_version TO payments_app")
    query("REVOKE ALL ON idempotency_keys FROM payments_app")
    migrate(owner_url, "payments_app")
    assert privileges(query) == GRANTED


def test_a_schema_of_its_own_can_be_used_by_the_role(new_database: Callable[..., str], app_role: str) -> None:
    url = new_database()
    run(url, "CREATE SCHEMA paid")
    inside = f"{url}&options=-csearch_path%3Dpaid"
    migrate(inside, app_role)
    run(inside.replace("payments@", f"{app_role}@"), "SELECT * FROM paid.payments")


def test_the_commands_of_a_job_and_of_a_pod_work_with_an_owner_that_is_no_superuser(new_database: Callable[..., str]) -> None:
    url = new_database()
    run(url, 'CREATE ROLE job LOGIN; CREATE ROLE "pod-1" LOGIN; GRANT CREATE ON SCHEMA public TO job')
    for _ in range(2):
        done = payments_server("migrate", "--app-role", "pod-1", DATABASE_URL=url.replace("payments@", "job@"))
        assert done.returncode == 0, done.stderr
    with Server(url.replace("payments@", "pod-1@")) as server:
        server.wait_until_serving()
        keyed = pb.CreatePaymentRequest(data="{}", payment="1", request_id="once")
        created = server.payments.CreatePayment(keyed, timeout=10)
        assert server.payments.CreatePayment(keyed, timeout=10) == created
        server.payments.UpdatePayment(pb.UpdatePaymentRequest(id=created.id, status=pb.STATUS_CONSUMED), timeout=10)
        server.payments.BatchCreatePayments(pb.BatchCreatePaymentsRequest(requests=[keyed]), timeout=10)
        server.payments.CreatePayment(pb.CreatePaymentRequest(data="{}", payment="2"), timeout=10)
        page = server.payments.ListPayments(pb.ListPaymentsRequest(page_size=1), timeout=10)
        rest = server.payments.ListPayments(pb.ListPaymentsRequest(page_token=page.next_page_token), timeout=10)
        assert len(page.payments) == len(rest.payments) == 1
        server.payments.DeletePayment(pb.DeletePaymentRequest(id=created.id), timeout=10)


def test_a_role_that_may_do_more_is_refused_and_nothing_is_migrated(new_database: Callable[..., str]) -> None:
    url = new_database()
    run(url, "CREATE ROLE chief SUPERUSER; CREATE ROLE member; GRANT payments TO member; CREATE ROLE maker CREATEDB; CREATE ROLE plain")
    for role, said in (("chief", "superuser"), ("maker", "administers"), ("member", "a member"), ("payments", "superuser")):
        with pytest.raises(UnsuitableRole, match=said):
            migrate(url, role)
    run(url, "GRANT CREATE ON SCHEMA public TO PUBLIC")  # as PostgreSQL 14 had it, and an upgrade keeps it
    with pytest.raises(UnsuitableRole, match="REVOKE CREATE"):
        migrate(url, "plain")
    with pytest.raises(psycopg2.errors.UndefinedTable):
        run(url, "SELECT FROM payments")


def test_a_role_that_does_not_exist_is_named(new_database: Callable[..., str]) -> None:
    ended = payments_server("migrate", "--app-role", "nobody", DATABASE_URL=new_database())
    assert ended.returncode == 1
    assert 'cannot migrate: role "nobody" does not exist' in ended.stderr and "Traceback" not in ended.stderr
