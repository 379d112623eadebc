"""Who may call what where API keys are asked for, over REST and gRPC."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from openapi_spec_validator import validate

from payments.v1 import coalescing_pb2, listing_pb2, payments_pb2
from server.tests.server_process import Server
from tests.keyed import FORMER, ORIGIN, OTHER, READER, WRITER, Keyed
from tests.rest import Rest, assert_marks, assert_problem, document, raw_exchange
from tests.rpc import DETAILS

NOBODY, STRANGER = "", "stranger"
NEW = ({"data": "{}", "payment": "1"}, {"data": {}, "payment": 1})
# By the name of an RPC: the scope that it requires, its request, and how REST has it.
CALLS: dict[str, tuple[str, dict[str, Any], tuple[str, str, Any]]] = {
    "CreatePayment": ("write", NEW[0], ("POST", "/create", NEW[1])),
    "BatchCreatePayments": ("write", {"requests": [NEW[0]]}, ("POST", "/create:batch", {"requests": [NEW[1]]})),
    "GetPayment": ("read", {"id": "{id}"}, ("GET", "/get/{id}", None)),
    "ListPayments": ("read", {"page_size": 1}, ("GET", "/list?page_size=1", None)),
    "ListPaymentsJson": ("read", {"page_size": 1}, ("GET", "/list", None)),
    "UpdatePayment": ("write", {"id": "{id}", "status": 2}, ("PUT", "/update/{id}", {"status": "consumed"})),
    "DeletePayment": ("write", {"id": "{id}"}, ("DELETE", "/delete/{id}", None)),
}
METHODS: dict[str, MethodDescriptor] = {
    method.name: method
    for file in (payments_pb2, listing_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
# What a call is answered with: the HTTP status, the code, the reason and the challenge.
ALLOWED = (200, "OK", "", None)
REFUSED = {
    NOBODY: (401, "UNAUTHENTICATED", "API_KEY_MISSING", 'Bearer realm="payments"'),
    STRANGER: (401, "UNAUTHENTICATED", "API_KEY_INVALID", 'Bearer error="invalid_token"'),
    FORMER: (401, "UNAUTHENTICATED", "API_KEY_EXPIRED", 'Bearer error="invalid_token"'),
    READER: (403, "PERMISSION_DENIED", "SCOPE_MISSING", 'Bearer error="insufficient_scope", scope="write"'),
}
CREDENTIALS = pytest.mark.parametrize("client", [NOBODY, STRANGER, FORMER, READER, WRITER, OTHER])


def expected(name: str, client: str) -> tuple[int, str, str, str | None]:
    allowed = client in (WRITER, OTHER) or (client == READER and CALLS[name][0] == "read")
    return ALLOWED if allowed else REFUSED[client]


@pytest.fixture
def payment(rest: Rest) -> str:
    """One that the service without keys has made."""
    id: str = rest.create()["id"]
    return id


def test_the_table_has_every_method() -> None:
    assert CALLS.keys() == METHODS.keys()


@CREDENTIALS
@pytest.mark.parametrize("name", CALLS)
def test_a_route_takes_the_keys_of_its_scope_and_no_other(keyed: Keyed, payment: str, name: str, client: str) -> None:
    method, path, value = CALLS[name][2]
    answer = keyed.rest().request(method, path.format(id=payment), value=value, headers=keyed.bearer(client))
    status, code, reason, challenge = expected(name, client)
    assert answer.headers.get("WWW-Authenticate") == challenge
    if status == 200:
        assert answer.status_code == 200, answer.text
        assert_marks(answer)
    else:
        assert_problem(answer, status, code, reason=reason)


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("client", [NOBODY, STRANGER, FORMER, READER])
def test_what_is_refused_has_written_nothing(keyed: Keyed, client: str) -> None:
    for name in ("CreatePayment", "BatchCreatePayments"):
        method, path, value = CALLS[name][2]
        assert keyed.rest().request(method, path, value=value, headers=keyed.bearer(client)).status_code == REFUSED[client][0]


@CREDENTIALS
@pytest.mark.parametrize("name", CALLS)
def test_an_rpc_takes_the_keys_of_its_scope_and_no_other(keyed: Keyed, payment: str, name: str, client: str) -> None:
    method = METHODS[name]
    fields = {field: payment if value == "{id}" else value for field, value in CALLS[name][1].items()}
    request = GetMessageClass(method.input_type)(**fields)
    _, code, reason, challenge = expected(name, client)
    made = called(keyed, method, request, client)
    assert made.code().name == code
    status, info = status_pb2.Status.FromString(trailers(made).get(DETAILS, b"")), error_details_pb2.ErrorInfo()
    for detail in status.details:
        detail.Unpack(info)
    assert (info.reason, info.metadata.get("www-authenticate")) == (reason, challenge)
    assert trailers(made).get("payments-client") == (client if client in (READER, WRITER, OTHER) else None)


def called(keyed: Keyed, method: MethodDescriptor, request: Message, client: str) -> Any:
    """The call once it has ended, however it did."""
    call: Callable[..., Any] = keyed.server.channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}", request_serializer=lambda message: message.SerializeToString()
    )
    try:
        return call.with_call(request, metadata=keyed.metadata(client), timeout=10)[1]  # type: ignore[attr-defined]
    except grpc.RpcError as error:
        return error


def trailers(made: Any) -> dict[str, Any]:
    return {name: value for name, value in made.trailing_metadata() or ()}


@pytest.mark.parametrize("name", ["GetPayments", "CreatePayments", "UpdatePayments"])
def test_calls_in_one_message_are_judged_one_by_one(keyed: Keyed, payment: str, name: str) -> None:
    method = coalescing_pb2.DESCRIPTOR.services_by_name["CoalescingService"].methods_by_name[name]
    clients = [NOBODY, WRITER, READER, STRANGER, OTHER, FORMER]
    scope, fields, _ = CALLS[name.removesuffix("s")]
    fields = {field: payment if value == "{id}" else value for field, value in fields.items()}
    calls = [{"request": fields, "context": {"authorization": keyed.bearer(client).get("Authorization", "")}} for client in clients]
    for bystander in (NOBODY, WRITER):  # the message's own credential means nothing
        call = keyed.server.channel.unary_unary(
            f"/{method.containing_service.full_name}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        results = call(GetMessageClass(method.input_type)(calls=calls), metadata=keyed.metadata(bystander), timeout=10).results
        codes = {16: 401, 7: 403, 0: 200}
        assert [codes[result.error.code] for result in results] == [401, 200, 200 if scope == "read" else 403, 401, 200, 401]
        assert [result.client for result in results] == ["", WRITER, READER, "", OTHER, ""]


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_is_read_as_rfc_9110_has_it(keyed: Keyed, scheme: str) -> None:
    assert keyed.rest().get("/list", headers={"Authorization": scheme + keyed.keys[READER]}).status_code == 200


@pytest.mark.parametrize("value", [b"Bearer \xff\xfe", b"Bearer a\tb", b"Bearer " + b"x" * 20_000, b"Bearer", b"", b"Basic YTpi", b"\xe9"])
@pytest.mark.parametrize("path", ["/create", "/list", "/list?page_size=1"])
def test_a_credential_of_any_shape_is_refused_and_nothing_worse(keyed: Keyed, path: str, value: bytes) -> None:
    method, body = ("POST", document()) if path == "/create" else ("GET", None)
    answer = keyed.rest().request(method, path, body=body, headers={"Authorization": value})
    assert_problem(answer, 401, "UNAUTHENTICATED")


def test_two_credentials_in_one_request_are_refused(keyed: Keyed) -> None:
    line = f"Authorization: Bearer {keyed.keys[READER]}\r\n"
    for lines, expected in ((line, 200), (line * 2, 401)):
        request = f"GET /list HTTP/1.1\r\nHost: x\r\n{lines}\r\n"
        assert raw_exchange(keyed.rest().url, request.encode())[0] == expected


@pytest.mark.parametrize("path", ["/status", "/livez", "/readyz", "/docs", "/openapi.json"])
def test_health_and_documentation_need_no_key(keyed: Keyed, path: str) -> None:
    assert keyed.rest().get(path).status_code == 200
    assert keyed.rest().get(path, headers=keyed.bearer(STRANGER)).status_code == 200


@pytest.mark.parametrize("service", ["", "payments.v1.PaymentService", "liveness", "readiness"])
def test_grpc_health_needs_no_key(keyed: Keyed, service: str) -> None:
    assert keyed.server.health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status


def test_reflection_is_closed_unless_asked_for(keyed: Keyed) -> None:
    def services(server: Server) -> list[str]:
        return list(ProtoReflectionDescriptorDatabase(server.channel).get_services())

    with pytest.raises(grpc.RpcError) as raised:
        services(keyed.server)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED  # type: ignore[attr-defined]
    with Server("postgresql://payments@127.0.0.1:1/none", "--api-keys-file", str(keyed.file), "--reflection") as server:
        assert "payments.v1.PaymentService" in services(server)


def test_a_page_of_another_origin_may_ask_before_it_has_a_key_and_reads_what_it_lacks(keyed: Keyed) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = keyed.rest().request("OPTIONS", "/create", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "authorization" in preflight.headers["Access-Control-Allow-Headers"].lower()
    refused = keyed.rest().post("/create", body=document(), headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "WWW-Authenticate" in refused.headers["Access-Control-Expose-Headers"]


def test_the_documentation_tells_of_keys_where_they_are_asked_for(keyed: Keyed, rest: Rest) -> None:
    described = keyed.rest().get("/openapi.json").json()
    validate(described)
    (name, scheme), *others = described["components"]["securitySchemes"].items()
    assert (scheme["type"], scheme["scheme"], others) == ("http", "bearer", [])
    operations = {each["operationId"]: each for item in described["paths"].values() for each in item.values()}
    for method in METHODS.keys() - {"ListPaymentsJson"}:
        assert operations[method]["security"] == [{name: [CALLS[method][0]]}]
        assert {"401", "403"} <= operations[method]["responses"].keys()
    assert "security" not in operations["Status"]
    without = rest.get("/openapi.json")
    assert not {"401", "403"} & {
        status for item in without.json()["paths"].values() for each in item.values() for status in each["responses"]
    }
    assert "security" not in without.text
