"""TLS within the cluster, and gRPC through nginx."""

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from payments.v1 import CreatePaymentRequest, GetPaymentRequest, PaymentServiceStub
from process.tests.authority import Authority
from tests.e2e.callers import CALLER
from tests.e2e.kubectl import kubectl, run_python, until
from tests.e2e.service import Door
from tests.e2e.variants import with_component

GRPC_HOST = "grpc.sre-test.nuveo.ai"
SERVER_NAMES = ("payments-server", "payments-server-headless", "payments-server-headless.payments")
# Without cert-manager the component's certificates are made by hand, as its README says.
WITHOUT_CERTIFICATES = [
    {"target": {"kind": kind}, "patch": f"{{apiVersion: cert-manager.io/v1, kind: {kind}, metadata: {{name: any}}, $patch: delete}}"}
    for kind in ("Certificate", "Issuer")
]
CALL = """
import json, sys
import grpc
from payments.v1 import CreatePaymentRequest, PaymentServiceStub
given = json.loads(sys.argv[1])
target = "dns:///payments-server-headless.payments:50051"
if given:
    channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(*(each.encode() for each in given)))
else:
    channel = grpc.insecure_channel(target)
try:
    print(PaymentServiceStub(channel).CreatePayment(CreatePaymentRequest(data="{}", payment="1.00"), timeout=5).payment)
except grpc.RpcError as error:
    print(error.code())
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def mutual_tls(authority: Authority, callers: None) -> Iterator[Authority]:
    """The component mtls, with certificates of this authority."""
    for name, hosts in (("payments-server", SERVER_NAMES), ("payments-gateway", ("payments-gateway",))):
        certificate, key = authority.issue(name, hosts)
        _secret(f"{name}-tls", certificate, key, authority.ca)
    with with_component("mtls", WITHOUT_CERTIFICATES):
        yield authority
    for name in ("payments-server", "payments-gateway"):
        kubectl("delete", "secret", f"{name}-tls")


def test_gateway_and_server_speak_mutual_tls_and_nobody_else_is_answered(door: Door, mutual_tls: Authority) -> None:
    created = door.rest().create('{"tls": true}', "2.00")
    assert door.rest().get(f"/get/{created['id']}").status_code == 200
    certificate, key = mutual_tls.issue("caller", ("caller",))
    ours = [mutual_tls.ca.read_text(), key.read_text(), certificate.read_text()]
    assert _call(ours) == "1.00"
    assert _call(ours[:1]) == "StatusCode.UNAVAILABLE"  # no certificate
    assert _call([]) == "StatusCode.UNAVAILABLE"  # no TLS


def test_grpc_is_reached_through_nginx_by_tls_and_nothing_but_the_api(door: Door, authority: Authority) -> None:
    certificate, key = authority.issue("grpc", (GRPC_HOST,))
    _secret("payments-grpc-tls", certificate, key)
    try:
        with with_component("grpc-ingress"):
            credentials = grpc.ssl_channel_credentials(authority.ca.read_bytes())
            address = f"{door.address[0]}:{door.address[1]}"
            options = [("grpc.ssl_target_name_override", GRPC_HOST), ("grpc.default_authority", GRPC_HOST), ("grpc.enable_http_proxy", 0)]
            with grpc.secure_channel(address, credentials, options) as channel:
                until(lambda: _answers(channel), "nginx knows the host", 60)
                payments = PaymentServiceStub(channel)
                created = payments.CreatePayment(CreatePaymentRequest(data='{"grpc": true}', payment="3.00"), timeout=10)
                assert payments.GetPayment(GetPaymentRequest(id=created.id), timeout=10) == created
                # Health and reflection stay inside.
                health = channel.unary_unary("/grpc.health.v1.Health/Check")
                with pytest.raises(grpc.RpcError) as refused:
                    health(b"", timeout=10)
                assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
    finally:
        kubectl("delete", "ingress", "payments-grpc", "--ignore-not-found")
        kubectl("delete", "networkpolicy", "grpc-from-nginx", "--ignore-not-found")
        kubectl("delete", "secret", "payments-grpc-tls")


def _secret(name: str, certificate: Path, key: Path, ca: Path | None = None) -> None:
    files = {"tls.crt": certificate, "tls.key": key} | ({"ca.crt": ca} if ca else {})
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name},
        "stringData": {file: path.read_text() for file, path in files.items()},
    }
    kubectl("apply", "--server-side", "--filename", "-", stdin=json.dumps(manifest))


def _call(credentials: list[str]) -> str:
    return run_python("caller", CALL, json.dumps(credentials), namespace=CALLER).strip()


def _answers(channel: grpc.Channel) -> bool:
    try:
        PaymentServiceStub(channel).GetPayment(GetPaymentRequest(id="00000000-0000-7000-8000-000000000000"), timeout=5)
    except grpc.RpcError as error:
        return bool(error.code() == grpc.StatusCode.NOT_FOUND)
    return False
