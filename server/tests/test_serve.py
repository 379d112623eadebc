"""`payments-server serve` as a process: how it starts, stops, and does without its database."""

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2

from payments.v1 import payments_pb2 as pb
from server.tests.server_process import ANY, Server, create, run

Query = Callable[..., list[tuple[Any, ...]]]
Waiting = Callable[[], None]
Lock = Callable[[str], contextlib.AbstractContextManager[None]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_calls_in_flight_finish(
    url: str, query: Query, lock: Lock, wait_for_a_waiter: Waiting, number: signal.Signals
) -> None:
    with Server(url, "--shutdown-delay", "0.3") as server, ThreadPoolExecutor(2) as threads:
        server.wait_until_serving()
        id = create(server.payments).id
        with lock(id):
            update = threads.submit(server.payments.UpdatePayment, pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED), timeout=10)
            wait_for_a_waiter()
            stopped = threads.submit(server.stop, number)
            server.line("stopping")
            # Not ready, but not yet deaf: callers take a moment to notice.
            assert not server.serving("readiness")
            assert not server.serving("payments.v1.PaymentService")
            assert server.serving("liveness")
            assert server.payments.GetPayment(pb.GetPaymentRequest(id=id), timeout=5).id == id
            time.sleep(0.6)
            assert not update.done()
        assert update.result().status == pb.STATUS_CONSUMED
        assert stopped.result()[0] == 0
        assert "Traceback" not in server.text


def test_a_health_watcher_does_not_hold_up_the_stop(url: str) -> None:
    with Server(url) as server:
        watch = server.health.Watch(health_pb2.HealthCheckRequest(service="payments.v1.PaymentService"))
        next(watch)
        code, seconds = server.stop()
        assert (code, seconds < 3) == (0, True), seconds


def test_a_second_signal_ends_the_waiting(url: str, query: Query, lock: Lock, wait_for_a_waiter: Waiting) -> None:
    with Server(url) as server:
        server.wait_until_serving()
        id = create(server.payments).id
        with lock(id):
            update = server.payments.UpdatePayment.future(pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED), timeout=10)
            wait_for_a_waiter()
            server.process.send_signal(signal.SIGTERM)
            server.line("stopping")
            time.sleep(1)
            assert server.process.poll() is None
            assert server.stop()[1] < 3
            assert update.exception() is not None


def test_a_frozen_postgresql_turns_health_and_does_not_hold_up_the_stop(url: str, query: Query) -> None:
    with Server(url, "--request-timeout", "1") as server:
        server.wait_until_serving()
        id = create(server.payments).id
        backends = [pid for (pid,) in query("SELECT pid FROM pg_stat_activity WHERE application_name = 'payments-server'")]
        assert backends
        for pid in backends:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(grpc.RpcError) as raised:
                server.payments.GetPayment(pb.GetPaymentRequest(id=id), timeout=8)
            assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED  # type: ignore[attr-defined]
            server.line("database does not answer: no answer")
            assert not server.serving("payments.v1.PaymentService")
            assert server.serving("readiness")
            code, seconds = server.stop()
            assert (code, seconds < 8) == (0, True), seconds
        finally:
            for pid in backends:
                os.kill(pid, signal.SIGCONT)


def test_without_a_schema_the_server_says_what_to_run(new_database: Callable[..., str]) -> None:
    url = new_database()
    with Server(url) as server:
        server.line("run `payments-server migrate`")
        assert server.serving("readiness")
        assert not server.serving("")
        with pytest.raises(grpc.RpcError) as raised:
            create(server.payments)
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
        assert "relation" not in raised.value.details()  # type: ignore[attr-defined]
        migrated = run("migrate", DATABASE_URL=url)
        assert migrated.returncode == 0, migrated.stderr
        server.wait_until_serving()
        assert create(server.payments).id


def test_a_server_starts_before_its_database() -> None:
    with Server("postgresql://payments:secret@127.0.0.1:1/payments") as server:
        server.line("database does not answer")
        with pytest.raises(grpc.RpcError) as raised:
            create(server.payments)
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
        assert "127.0.0.1" not in raised.value.details()  # type: ignore[attr-defined]
        assert server.stop()[0] == 0
        assert "secret" not in server.text


def test_a_port_in_use_is_one_clear_line(url: str) -> None:
    with Server(url) as server:
        address = server.target
        for options in (("--listen", address, "--metrics-listen", ANY), ("--listen", ANY, "--metrics-listen", address)):
            ended = run("serve", *options, DATABASE_URL=url)
            assert ended.returncode == 1
            assert address in ended.stderr.splitlines()[-1]
            assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "bad",
    ["mysql://u:secret@h/d", "secret", "postgresql://u:secret@h/d?unknown=1", "postgresql://u:%zzsecret@h/d"],
)
@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_a_bad_database_url_is_refused_without_its_password(command: str, bad: str) -> None:
    ended = run(command, DATABASE_URL=bad)
    assert ended.returncode == 2
    assert "DATABASE_URL" in ended.stderr.splitlines()[-1]
    assert "secret" not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    "option",
    [
        ("--listen", "50051"),
        ("--listen", ":50051"),
        ("--listen", "h:x"),
        ("--pool-size", "0"),
        ("--workers", "0"),
        ("--request-timeout", "0"),
    ],
)
def test_a_bad_option_is_refused_by_its_name(url: str, option: tuple[str, str]) -> None:
    ended = run("serve", *option, DATABASE_URL=url)
    assert ended.returncode == 2
    assert option[0] in ended.stderr


@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_help_shows_the_variable_of_every_option(command: str) -> None:
    text = run(command, "--help").stdout
    options = re.findall(r"^  --(?!help)[a-z-]+", text, re.MULTILINE)
    assert len(options) == " ".join(text.split()).count("[env var: ") > 1


def test_old_connections_are_left_without_a_failed_call(url: str) -> None:
    with Server(url, "--max-connection-age", "0.5") as server:
        server.wait_until_serving()
        port, ours, deadline = int(server.target.rsplit(":", 1)[1]), set(), time.monotonic() + 30
        while len(ours) < 3:
            assert time.monotonic() < deadline, ours
            create(server.payments)
            ours |= {each.laddr.port for each in psutil.Process().net_connections("tcp") if each.raddr and each.raddr.port == port}
