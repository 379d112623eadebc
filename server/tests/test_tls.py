"""TLS of the gRPC port: which clients are let in, how certificates are replaced, and how a server behind TLS is probed."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from payments.v1.payments_pb2_grpc import PaymentServiceStub
from process.tests.authority import Authority
from server.tests.server_process import ANY, Server, create, run

Files = tuple[Path, Path]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def foreign(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "foreign")


def options(authority: Authority, name: str = "server") -> list[str]:
    """Mutual TLS with a certificate that is issued here."""
    certificate, key = authority.issue(name)
    return ["--tls-cert", str(certificate), "--tls-key", str(key), "--tls-client-ca", str(authority.ca)]


@contextlib.contextmanager
def client(target: str, ca: Path, own: Files | None = None) -> Iterator[PaymentServiceStub]:
    certificate, key = (path.read_bytes() for path in own) if own else (None, None)
    credentials = grpc.ssl_channel_credentials(ca.read_bytes(), key, certificate)
    with grpc.secure_channel(target, credentials, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield PaymentServiceStub(channel)


def refused(payments: PaymentServiceStub) -> str:
    with pytest.raises(grpc.RpcError) as raised:
        create(payments)
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    return str(raised.value.details())


def shown(target: str) -> bytes | None:
    """The certificate that the server shows to a new connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    host, port = target.split(":")
    with socket.create_connection((host, int(port)), 5) as wire, context.wrap_socket(wire) as secured:
        return secured.getpeercert(binary_form=True)


def test_a_client_with_a_certificate_of_the_authority_is_served(url: str, authority: Authority) -> None:
    with Server(url, *options(authority)) as server, client(server.target, authority.ca, authority.issue("client")) as payments:
        assert create(payments).id


def test_without_a_client_authority_no_client_certificate_is_asked_for(url: str, authority: Authority) -> None:
    with Server(url, *options(authority)[:4]) as server, client(server.target, authority.ca) as payments:
        assert create(payments).id


def test_clients_without_a_certificate_or_with_a_foreign_or_expired_one_are_refused(
    url: str, authority: Authority, foreign: Authority
) -> None:
    with Server(url, *options(authority)) as server:
        for own in (None, foreign.issue("stranger"), authority.issue("late", expired=True)):
            with client(server.target, authority.ca, own) as payments:
                refused(payments)
        refused(server.payments)  # without TLS
        with client(server.target, authority.ca, authority.issue("client")) as payments:
            assert create(payments).id


def test_a_client_refuses_a_server_of_another_name_authority_or_time(url: str, authority: Authority, foreign: Authority) -> None:
    own = authority.issue("client")
    with Server(url, *options(authority)) as server, client(server.target, foreign.ca, own) as payments:
        assert "CERTIFICATE_VERIFY_FAILED" in refused(payments)
        authority.issue("server", ("other.example",))
        with client(server.target, authority.ca, own) as payments:
            assert "Hostname Verification Check failed" in refused(payments)
        authority.issue("server", expired=True)
        with client(server.target, authority.ca, own) as payments:
            assert "CERTIFICATE_VERIFY_FAILED" in refused(payments)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_is_of_version_1_2_or_1_3_and_speaks_http_2(url: str, authority: Authority) -> None:
    with Server(url, *options(authority)[:4]) as server:
        host, port = server.target.split(":")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=authority.ca)
            context.set_alpn_protocols(["h2"])
            context.minimum_version = context.maximum_version = version
            with socket.create_connection((host, int(port)), 5) as wire, context.wrap_socket(wire, server_hostname=host) as secured:
                assert secured.selected_alpn_protocol() == "h2"
        context = ssl.create_default_context(cafile=authority.ca)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else this side refuses what the server is to refuse
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection((host, int(port)), 5) as wire, pytest.raises(ssl.SSLError, match=r"EOF|PROTOCOL_VERSION"):
            context.wrap_socket(wire, server_hostname=host)


def test_a_certificate_is_replaced_under_load_without_a_failed_call(url: str, authority: Authority) -> None:
    with Server(url, *options(authority)) as server:
        first, own = shown(server.target), authority.issue("client")
        done, failures, calls = threading.Event(), [], [0]

        def load() -> None:
            while not done.is_set():
                with client(server.target, authority.ca, own) as payments:  # a handshake for every few calls
                    for _ in range(5):
                        try:
                            create(payments)
                            calls[0] += 1
                        except grpc.RpcError as error:
                            failures.append(error)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        seen = {first}
        for _ in range(3):
            before = calls[0]
            server.wait_until(lambda before=before: calls[0] > before + 20)
            authority.issue("server")
            server.wait_until(lambda: shown(server.target) not in seen)
            seen.add(shown(server.target))
        done.set()
        for thread in threads:
            thread.join()
        assert failures == [] and calls[0] > 60
        assert len(seen) == 4


def test_a_broken_replacement_keeps_the_certificate_and_is_logged_once(url: str, authority: Authority) -> None:
    files = options(authority)
    with Server(url, *files) as server, client(server.target, authority.ca, authority.issue("client")) as payments:
        before = shown(server.target)
        Path(files[3]).write_text("broken")
        assert [shown(server.target) for _ in range(3)] == [before] * 3
        assert create(payments).id
        assert server.text.count(f"{files[1]}, {files[3]}: not a certificate and its key") == 1
        authority.issue("server")
        assert shown(server.target) != before


def test_a_replaced_client_authority_decides_about_new_connections(url: str, authority: Authority, foreign: Authority) -> None:
    files = options(authority)
    with Server(url, *files) as server:
        root = authority.ca.with_name("copy")
        root.write_bytes(authority.ca.read_bytes())
        Path(files[5]).write_bytes(foreign.ca.read_bytes())
        with client(server.target, root, foreign.issue("stranger")) as payments:
            assert create(payments).id
        with client(server.target, root, authority.issue("client")) as payments:
            refused(payments)


def test_options_that_need_each_other_and_unusable_files_end_the_start(url: str, authority: Authority) -> None:
    certificate, key, ca = options(authority)[1::2]
    _, other = authority.issue("other")
    for given, said in (
        (["--tls-cert", certificate], "--tls-cert and --tls-key need each other"),
        (["--tls-key", key], "--tls-cert and --tls-key need each other"),
        (["--tls-client-ca", ca], "--tls-client-ca needs --tls-cert and --tls-key"),
        (["--tls-cert", certificate, "--tls-key", "/nowhere"], "/nowhere: No such file or directory"),
        (["--tls-cert", certificate, "--tls-key", str(other)], f"{other}: not a certificate and its key: KEY_VALUES_MISMATCH"),
        (["--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", key], f"{key}: not a list of certificates"),
    ):
        ended = run("serve", *given, DATABASE_URL=url)
        assert ended.returncode in (1, 2) and said in ended.stderr and "Traceback" not in ended.stderr, ended.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_health_port_speaks_without_tls_of_health_alone(url: str, authority: Authority, workers: str) -> None:
    with Server(url, *options(authority), "--health-listen", ANY, "--workers", workers) as server:
        target = server.line(r"health listening on (\S+)")[1]
        for _ in range(8):
            with grpc.insecure_channel(target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                for service in ("liveness", "readiness"):
                    answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5, wait_for_ready=True)
                    assert answer.status == health_pb2.HealthCheckResponse.SERVING
                with pytest.raises(grpc.RpcError) as raised:
                    create(PaymentServiceStub(channel))
                assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert server.stop()[0] == 0
        assert "Traceback" not in server.text


def test_a_health_port_in_use_ends_the_start(url: str) -> None:
    with Server(url, "--health-listen", ANY) as server:
        target = server.line(r"health listening on (\S+)")[1]
        for workers in ("1", "2"):
            ended = run(
                "serve", "--listen", ANY, "--metrics-listen", ANY, "--health-listen", target, "--workers", workers, DATABASE_URL=url
            )
            assert ended.returncode == 1 and f"cannot listen on {target} (--health-listen)" in ended.stderr


def test_readiness_turns_on_the_health_port_while_the_server_stops(url: str) -> None:
    with Server(url, "--health-listen", ANY, "--shutdown-delay", "1") as server:
        with grpc.insecure_channel(server.line(r"health listening on (\S+)")[1]) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            server.wait_until_serving()
            server.process.terminate()
            server.line("stopping")
            states = {
                name: health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5).status for name in ("readiness", "liveness")
            }
            assert states == {"readiness": health_pb2.HealthCheckResponse.NOT_SERVING, "liveness": health_pb2.HealthCheckResponse.SERVING}
        assert server.ended() == 0


def test_workers_share_the_certificate_and_each_notices_a_replacement(url: str, authority: Authority) -> None:
    with Server(url, *options(authority), "--workers", "2") as server:
        server.wait_until(lambda: server.text.count("gRPC listening") == 2)
        own, before = authority.issue("client"), shown(server.target)
        for _ in range(10):
            with client(server.target, authority.ca, own) as payments:
                assert create(payments).id
        authority.issue("server")
        assert before not in {shown(server.target) for _ in range(16)}
        for _ in range(10):
            with client(server.target, authority.ca, own) as payments:
                assert create(payments).id
        assert server.stop()[0] == 0
