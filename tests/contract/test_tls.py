"""REST through mutual TLS: gateway and server as processes with certificates of an authority that the test makes."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.tests.gateway_process import Gateway
from local.stack import Stack
from process.tests.authority import Authority
from server.tests.server_process import Server
from tests.database import Database
from tests.rest import Rest, assert_problem

CLIENTS = 4


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def trusted(authority: Authority) -> Path:
    """The file that both sides read their authorities from."""
    path = authority.ca.with_name("trusted.pem")
    path.write_bytes(authority.ca.read_bytes())
    return path


@contextlib.contextmanager
def server(running: Stack, authority: Authority, trusted: Path, *options: str) -> Iterator[Server]:
    certificate, key = authority.issue("server")
    tls = ("--tls-cert", str(certificate), "--tls-key", str(key), "--tls-client-ca", str(trusted))
    with Server(running.database_url, *tls, *options) as started:
        yield started


@contextlib.contextmanager
def gateway(target: str, authority: Authority, trusted: Path, *options: str, name: str = "gateway") -> Iterator[Gateway]:
    certificate, key = authority.issue(name)
    tls = ("--server-ca", str(trusted), "--server-cert", str(certificate), "--server-key", str(key))
    with Gateway("--server", target, *tls, *options) as started:
        yield started


def rest(started: Gateway) -> Rest:
    return Rest(f"http://{started.address}")


def wait_until_ok(started: Gateway) -> Rest:
    client = rest(started)
    started.wait_until(lambda: client.get("/status").status_code == 200)
    return client


def test_payments_are_created_read_and_listed_through_mutual_tls(running: Stack, authority: Authority, trusted: Path) -> None:
    with server(running, authority, trusted) as served, gateway(served.target, authority, trusted) as started:
        client = wait_until_ok(started)
        created = client.create('{"order": 17}', "1234.50")
        assert client.get(f"/get/{created['id']}").json()["id"] == created["id"]
        assert created["id"] in [payment["id"] for payment in client.get("/list").json()]
        for process, component in ((served, "server"), (started, "gateway")):  # the certificates that the authority issues last a day
            end = process.metrics()[f'payments_certificate_expiry_timestamp_seconds{{component="{component}"}}']
            assert time.time() < end < time.time() + 2 * 86400
        assert started.stop()[0] == 0


def test_workers_of_both_sides_speak_mutual_tls(running: Stack, authority: Authority, trusted: Path) -> None:
    with (
        server(running, authority, trusted, "--workers", "2") as served,
        gateway(served.target, authority, trusted, "--workers", "2") as started,
    ):
        served.wait_until(lambda: served.text.count("database answers") == 2)
        started.ready(2)
        for _ in range(8):
            wait_until_ok(started).create()  # a connection of its own each
        assert started.stop()[0] == 0
        assert served.stop()[0] == 0


def test_a_gateway_without_a_certificate_or_with_one_of_a_foreign_authority_is_refused(
    running: Stack, authority: Authority, trusted: Path, tmp_path: Path
) -> None:
    foreign = Authority(tmp_path, "foreign")
    with server(running, authority, trusted) as served:
        with Gateway("--server", served.target, "--server-ca", str(trusted)) as started:
            assert_problem(rest(started).post("/create", body='{"data":{},"payment":1}'), 503, "UNAVAILABLE")
        with gateway(served.target, foreign, trusted, name="stranger") as started:
            assert_problem(rest(started).post("/create", body='{"data":{},"payment":1}'), 503, "UNAVAILABLE")
            assert_problem(rest(started).get("/status"), 503, "UNAVAILABLE")


def test_a_gateway_refuses_a_server_whose_certificate_names_another_host(running: Stack, authority: Authority, trusted: Path) -> None:
    with server(running, authority, trusted) as served:
        authority.issue("server", ("other.example",))
        with gateway(served.target, authority, trusted) as started:
            assert_problem(rest(started).post("/create", body='{"data":{},"payment":1}'), 503, "UNAVAILABLE")
            authority.issue("server", ("localhost", "127.0.0.1"))
            wait_until_ok(started).create()


def test_servers_at_several_addresses_are_known_by_one_name(running: Stack, authority: Authority, trusted: Path) -> None:
    with server(running, authority, trusted) as one, server(running, authority, trusted) as other:
        target = f"ipv4:{one.target},{other.target}"
        with gateway(target, authority, trusted, "--server-name", "localhost") as started:
            wait_until_ok(started).create()
        with gateway(target, authority, trusted, "--server-name", "other.example") as started:
            assert_problem(rest(started).get("/status"), 503, "UNAVAILABLE")


class Load:
    """Clients that create and read payments all the time."""

    def __init__(self, started: Gateway) -> None:
        self._started = started
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(CLIENTS)]
        self.answered = 0
        self.failures: list[str] = []

    def _work(self) -> None:
        client = rest(self._started)
        while not self._stop.is_set():
            answer = client.post("/create", body='{"data":{},"payment":1}')
            if answer.status_code == 200:
                answer = client.get(f"/get/{answer.json()['id']}")
            if answer.status_code == 200:
                self.answered += 1
            else:
                self.failures.append(answer.text)

    def go_on(self) -> None:
        """Waits for more answers."""
        before = self.answered
        self._started.wait_until(lambda: self.answered > before + 50)

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_both_sides_move_to_another_authority_under_load_without_a_failed_request(
    running: Stack, authority: Authority, trusted: Path, tmp_path: Path
) -> None:
    """As an authority is replaced: first both are trusted, then each side gets a certificate of the new one, then the old one goes."""
    successor = Authority(tmp_path, "successor")
    with server(running, authority, trusted) as served, gateway(served.target, authority, trusted) as started:
        renewals = 0

        def renewed() -> None:
            nonlocal renewals
            renewals += 1
            started.wait_until(lambda: started.text.count("calls go by the new certificates") == renewals)
            load.go_on()

        wait_until_ok(started)
        with Load(started) as load:
            load.go_on()
            replace(trusted, authority.ca.read_bytes() + successor.ca.read_bytes())
            renewed()
            successor.issue("server")
            load.go_on()
            successor.issue("gateway")
            renewed()
            replace(trusted, successor.ca.read_bytes())
            renewed()
        assert load.failures == []
        # The old authority's certificates are worth nothing now.
        with gateway(served.target, authority, trusted, name="former") as former:
            assert_problem(rest(former).get("/status"), 503, "UNAVAILABLE")


def replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def test_a_call_in_flight_finishes_on_the_certificates_that_it_began_with(
    running: Stack, stored: Database, authority: Authority, trusted: Path
) -> None:
    with server(running, authority, trusted) as served, gateway(served.target, authority, trusted) as started:
        id = wait_until_ok(started).create()["id"]
        stored.execute("BEGIN")
        try:
            stored.rows("SELECT id FROM payments WHERE id = %s FOR UPDATE", id)
            statuses: list[int] = []
            update = threading.Thread(
                target=lambda: statuses.append(rest(started).put(f"/update/{id}", body='{"status":"consumed"}').status_code)
            )
            update.start()
            authority.issue("gateway")
            started.line("calls go by the new certificates")
            rest(started).create()
            time.sleep(0.5)
            assert statuses == []
        finally:
            stored.execute("ROLLBACK")
            update.join()
        assert statuses == [200]


def test_a_new_certificate_that_the_server_refuses_leaves_the_old_one_in_use(
    running: Stack, authority: Authority, trusted: Path, tmp_path: Path
) -> None:
    foreign = Authority(tmp_path, "foreign")
    with server(running, authority, trusted) as served, gateway(served.target, authority, trusted) as started:
        client = wait_until_ok(started)
        foreign.issue("gateway")
        started.line("new certificates")
        time.sleep(2.5)  # of trying
        client.create()
        assert "calls go by" not in started.text
        authority.issue("gateway")
        started.line("calls go by the new certificates")
        client.create()
