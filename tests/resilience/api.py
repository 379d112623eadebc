"""The two APIs as a client of the ledger calls them: the same five calls, and one view of how each may end."""

import http.client
import json
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import grpc

from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from tests.resilience.ledger import STATUSES, Entry
from tests.rpc import failed_with

TIMEOUT = 15.0  # seconds; gateway and server give up after 10
STATUS_NUMBERS = {name: number for number, name in STATUSES.items()}
_SERVICE_CONFIG = json.dumps(
    {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": "payments.v1.PaymentService"}}
)
_OPTIONS = [
    ("grpc.service_config", _SERVICE_CONFIG),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 100),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
]


@dataclass(frozen=True)
class Stored:
    """A payment as an answer has it."""

    id: str
    status: str
    revision: int


class Failed(Exception):
    """No answer, or one that says to try again: whether the call was carried out is unknown."""


class Absent(Exception):
    """There is no such payment."""


class Mismatch(Exception):
    """The payment has another etag."""


class Untrue(Exception):
    """An answer that no fault excuses."""


class Api(Protocol):
    """All methods raise Failed, Absent, Mismatch and Untrue."""

    name: str

    def create(self, entry: Entry) -> Stored: ...

    def create_batch(self, entries: Sequence[Entry]) -> list[Stored | Failed]: ...

    def get(self, id: str) -> Stored: ...

    def update(self, id: str, status: str, revision: int | None) -> Stored: ...

    def delete(self, id: str) -> Stored: ...


@dataclass(frozen=True)
class Tls:
    """`name`: what the certificate has to be of, wherever it is reached. `ca`: PEM file of its authorities, else the system's; it is read anew
    for each connection, as certificates change."""

    name: str
    ca: str = ""


class _Secured(http.client.HTTPSConnection):
    def __init__(self, address: tuple[str, int], tls: Tls) -> None:
        super().__init__(tls.name, timeout=TIMEOUT)
        self._address = address
        self._tls = tls

    def connect(self) -> None:
        context = ssl.create_default_context(cafile=self._tls.ca or None)
        connection = socket.create_connection(self._address, TIMEOUT)
        try:
            self.sock = context.wrap_socket(connection, server_hostname=self._tls.name)
        except OSError:
            connection.close()
            raise


class RestApi:
    """One connection to a gateway. `keep`: whether it is used for more than one request. `tls`: where the gateway has it. `key`: an API
    key, or nothing."""

    name = "REST"

    def __init__(self, address: tuple[str, int], keep: bool = True, tls: "Tls | None" = None, key: str = "") -> None:
        self._connection = _Secured(address, tls) if tls else http.client.HTTPConnection(*address, timeout=TIMEOUT)
        self._keep = keep
        self._authorization = {"Authorization": f"Bearer {key}"} if key else {}

    def create(self, entry: Entry) -> Stored:
        return _stored(self._exchange("POST", "/create", _document(entry), {"Idempotency-Key": entry.key}))

    def create_batch(self, entries: Sequence[Entry]) -> list[Stored | Failed]:
        requests = ",".join(f'{_document(entry)[:-1]},"request_id":"{entry.key}"}}' for entry in entries)
        results = self._exchange("POST", "/create:batch", f'{{"requests":[{requests}]}}')["results"]
        return [_stored(each["payment"]) if "payment" in each else _item_failed(each["error"]["code"], str(each)) for each in results]

    def get(self, id: str) -> Stored:
        return _stored(self._exchange("GET", f"/get/{id}"))

    def update(self, id: str, status: str, revision: int | None) -> Stored:
        headers = {"If-Match": f'"{revision}"'} if revision else {}
        return _stored(self._exchange("PUT", f"/update/{id}", json.dumps({"status": status}), headers))

    def delete(self, id: str) -> Stored:
        return _stored(self._exchange("DELETE", f"/delete/{id}"))

    def _exchange(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> Any:
        sent = {
            **(headers or {}),
            **self._authorization,
            **({"Content-Type": "application/json"} if body else {}),
            **({} if self._keep else {"Connection": "close"}),
        }
        try:
            self._connection.request(method, path, body, sent)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Failed(f"REST {method}: {error!r}") from error
        if answer.status == 200:
            return json.loads(content)
        text = f"REST {method} {answer.status}: {content[:300].decode(errors='replace')}"
        if answer.status in (429, 502, 503, 504) and not content.startswith(b"{"):
            raise Failed(text)  # a proxy's own page
        try:
            problem = json.loads(content)
        except ValueError:
            raise Untrue(text) from None
        _raise(problem.get("code", ""), problem.get("reason", ""), text)


class GrpcApi:
    """A channel to one server or several. `credentials`: of TLS, where they have it. `key`: an API key, or nothing."""

    name = "gRPC"

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None = None, key: str = "") -> None:
        self._channel = (
            grpc.secure_channel(target, credentials, options=_OPTIONS) if credentials else grpc.insecure_channel(target, options=_OPTIONS)
        )
        self._metadata = (("authorization", f"Bearer {key}"),) if key else ()
        self._stub = PaymentServiceStub(self._channel)

    def create(self, entry: Entry) -> Stored:
        return _of_message(self._call(self._stub.CreatePayment, _message(entry)))

    def create_batch(self, entries: Sequence[Entry]) -> list[Stored | Failed]:
        reply = self._call(self._stub.BatchCreatePayments, pb.BatchCreatePaymentsRequest(requests=map(_message, entries)))
        return [
            _of_message(each.payment) if each.HasField("payment") else _item_failed(each.error.code, str(each)) for each in reply.results
        ]

    def get(self, id: str) -> Stored:
        return _of_message(self._call(self._stub.GetPayment, pb.GetPaymentRequest(id=id)))

    def update(self, id: str, status: str, revision: int | None) -> Stored:
        request = pb.UpdatePaymentRequest(id=id, status=pb.Status.ValueType(STATUS_NUMBERS[status]), etag=str(revision or ""))
        return _of_message(self._call(self._stub.UpdatePayment, request))

    def delete(self, id: str) -> Stored:
        return _of_message(self._call(self._stub.DeletePayment, pb.DeletePaymentRequest(id=id)))

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=TIMEOUT, metadata=self._metadata)
        except grpc.RpcError as error:
            failure = failed_with(error)
            _raise(failure.code.name, failure.reason, f"gRPC {failure.code.name} {failure.reason}: {failure.message}")


_TRY_AGAIN = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED")


def _raise(code: str, reason: str, text: str) -> None:
    if code in _TRY_AGAIN or reason == "CONFLICT":
        raise Failed(text)
    if reason == "PAYMENT_NOT_FOUND":
        raise Absent(text)
    if reason == "ETAG_MISMATCH":
        raise Mismatch(text)
    raise Untrue(text)


def _item_failed(code: int, text: str) -> Failed:
    name = next(each.name for each in grpc.StatusCode if each.value[0] == code)
    if name not in _TRY_AGAIN and "CONFLICT" not in text:
        raise Untrue(text)
    return Failed(text)


def _document(entry: Entry) -> str:
    return f'{{"data":{entry.data},"payment":{entry.payment}}}'


def _message(entry: Entry) -> pb.CreatePaymentRequest:
    return pb.CreatePaymentRequest(data=entry.data, payment=entry.payment, request_id=entry.key)


def _stored(payment: Any) -> Stored:
    return Stored(payment["id"], payment["status"], int(payment["etag"]))


def _of_message(payment: pb.Payment) -> Stored:
    return Stored(payment.id, STATUSES[payment.status], int(payment.etag))
