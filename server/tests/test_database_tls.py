"""TLS to PostgreSQL, by the URL's sslmode and sslrootcert: a connection is private, and what is wrong with one is told."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from process.tests.authority import Authority
from server.tests.server_process import Server, create, run
from server.tests.tls_postgres import PASSWORD, TlsPostgres, tls_postgres


@pytest.fixture(scope="module")
def secured() -> Iterator[TlsPostgres]:
    with tls_postgres(("127.0.0.1",), ldap_port=1) as started:
        yield started


def test_migrations_and_payments_go_over_tls_of_a_verified_server(secured: TlsPostgres) -> None:
    url = secured.url("127.0.0.1")
    assert run("migrate", DATABASE_URL=url).returncode == 0
    with Server(url) as server, psycopg2.connect(secured.owner_url) as owner, owner.cursor() as cursor:
        server.wait_until_serving()
        assert create(server.payments).id
        cursor.execute(
            "SELECT DISTINCT ssl, version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'payments-server'"
        )
        assert cursor.fetchall() == [(True, "TLSv1.3")]


def test_what_is_wrong_with_the_server_is_told_by_health_and_by_migrate_without_the_password(secured: TlsPostgres, tmp_path: Path) -> None:
    for url, said in (
        (secured.url("127.0.0.1", ca=Authority(tmp_path, "foreign").ca), "certificate verify failed"),
        (secured.url("localhost"), 'does not match host name "localhost"'),
        (secured.url("127.0.0.1", ca=tmp_path / "missing"), f'root certificate file "{tmp_path}/missing" does not exist'),
        (secured.url("127.0.0.1", "sslmode=disable"), "no encryption"),
        (secured.url("127.0.0.1", user=f"payments:{PASSWORD}-wrong"), "password authentication failed"),
    ):
        migrated = run("migrate", DATABASE_URL=url)
        assert migrated.returncode == 1 and said in migrated.stderr and PASSWORD not in migrated.stderr, migrated.stderr
        with Server(url) as server:
            assert said in server.line("database does not answer: .*")[0]
            assert not server.serving("payments.v1.PaymentService")
            assert server.serving("readiness")
            with pytest.raises(Exception, match="UNAVAILABLE") as raised:
                create(server.payments)
            assert PASSWORD not in server.text and said not in str(raised.value)
