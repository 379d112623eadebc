"""Who is refused what, on a real gRPC server in this process; tests/contract/test_access.py has the same of the whole product."""

import contextlib
import datetime
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.api import annotations_pb2 as http_annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, empty_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc import error_details_pb2, status_pb2

from payments.v1 import annotations_pb2, coalescing_pb2, listing_pb2, payments_pb2
from payments.v1.coalescing_pb2_grpc import CoalescingServiceStub
from payments.v1.metadata import CLIENT
from payments.v1.scopes import required_scope
from server.access import Access
from server.api_keys import KeyFile, new_key
from server.call import Call
from server.rpc import Calls
from server.serve import CARRIED, COALESCING, LISTING, SERVICE

READ, READ_LINE = new_key("reader", "read", None)
WRITE, WRITE_LINE = new_key("writer", "write", None)
EXPIRED, EXPIRED_LINE = new_key("former", "write", datetime.date(2020, 1, 1))


@pytest.fixture
def access(tmp_path: Path) -> Access:
    (tmp_path / "keys").write_text("\n".join([READ_LINE, WRITE_LINE, EXPIRED_LINE]))
    return Access(KeyFile(tmp_path / "keys"))


@contextlib.asynccontextmanager
async def served(access: Access, service: ServiceDescriptor, implementation: object, **carried: Any) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Calls(100, 10, access).handlers(service, implementation, carried),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(0)


def bearer(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)


def refusal(status: status_pb2.Status) -> tuple[str, str, str]:
    """The code, the reason and the challenge."""
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return grpc.StatusCode((status.code, NAMES[status.code])).name, info.reason, info.metadata["www-authenticate"]


NAMES = {code.value[0]: code.value[1] for code in grpc.StatusCode}
MISSING = ("UNAUTHENTICATED", "API_KEY_MISSING", 'Bearer realm="payments"')
INVALID = ("UNAUTHENTICATED", "API_KEY_INVALID", 'Bearer error="invalid_token"')
OUT_OF_DATE = ("UNAUTHENTICATED", "API_KEY_EXPIRED", 'Bearer error="invalid_token"')
NO_WRITE = ("PERMISSION_DENIED", "SCOPE_MISSING", 'Bearer error="insufficient_scope", scope="write"')


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("", MISSING),
        (WRITE, MISSING),
        ("Basic dXNlcjpwYXNz", MISSING),
        (b"Bearer " + WRITE.encode(), MISSING),
        ("Bearer", INVALID),
        ("Bearer ", INVALID),
        ("Bearer  ", INVALID),
        (f"Bearer {WRITE}x", INVALID),
        (f"Bearer {WRITE[:-1]}", INVALID),
        (f"Bearer {WRITE.upper()}", INVALID),
        (f"Bearer {WRITE}, Bearer {WRITE}", INVALID),
        (f"Bearer {WRITE_LINE.split(':')[2]}", INVALID),  # the digest is no key
        (f"Bearer {EXPIRED}", OUT_OF_DATE),
        (f"Bearer {READ}", NO_WRITE),
    ],
    ids=range(14),  # of the keys' own none is the same twice
)
def test_what_is_no_valid_key_is_refused(access: Access, authorization: str | bytes, expected: tuple[str, str, str]) -> None:
    caller = access.caller("write", authorization)
    assert caller.refusal is not None
    assert refusal(caller.refusal.status()) == expected
    assert caller.client == ("reader" if expected == NO_WRITE else "")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_a_key_has_a_client(access: Access, scheme: str) -> None:
    assert access.caller("write", f"{scheme} {WRITE}") == ("writer", None)
    assert access.caller("read", f"{scheme} {WRITE}") == ("writer", None)
    assert access.caller("read", f"{scheme} {READ}") == ("reader", None)


def test_every_method_requires_a_scope() -> None:
    """Else it is refused to everybody."""
    scopes = {method.full_name: required_scope(method) for service in (SERVICE, LISTING) for method in service.methods}
    assert set(scopes.values()) == {"read", "write"}, scopes
    assert {name.rpartition(".")[2] for name, scope in scopes.items() if scope == "read"} == {
        "GetPayment",
        "ListPayments",
        "ListPaymentsJson",
    }
    assert CARRIED.keys() == {method.name for method in COALESCING.methods}
    files = (annotations_pb2, coalescing_pb2, listing_pb2, payments_pb2)
    assert {name for file in files for name in file.DESCRIPTOR.services_by_name} == {
        "PaymentService",
        "ListingService",
        "CoalescingService",
    }


@pytest.fixture
def unlisted() -> ServiceDescriptor:
    """A service with one method of which the proto file says no scope."""
    file = descriptor_pb2.FileDescriptorProto(name="unlisted.proto", package="unlisted", dependency=["google/protobuf/empty.proto"])
    method = descriptor_pb2.MethodDescriptorProto(name="Do", input_type=".google.protobuf.Empty", output_type=".google.protobuf.Empty")
    method.options.Extensions[http_annotations_pb2.http].get = "/do"
    file.service.add(name="Unlisted", method=[method])
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(empty_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("unlisted.Unlisted")


class Unlisted:
    def __init__(self) -> None:
        self.calls = 0

    async def Do(self, request: Any, call: Call) -> Any:
        self.calls += 1
        return empty_pb2.Empty()


async def test_a_method_without_a_scope_is_refused_to_every_key(access: Access, unlisted: ServiceDescriptor) -> None:
    implementation = Unlisted()
    async with served(access, unlisted, implementation) as channel:
        do = channel.unary_unary("/unlisted.Unlisted/Do")
        for metadata, expected in (
            (bearer(WRITE), ("PERMISSION_DENIED", "METHOD_CLOSED", 'Bearer error="insufficient_scope"')),
            ((), MISSING),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await do(b"", metadata=metadata)
            trailing = dict(raised.value.trailing_metadata())
            assert refusal(status_pb2.Status.FromString(trailing["grpc-status-details-bin"])) == expected
            assert trailing.get(CLIENT) == ("writer" if metadata else None)
    assert implementation.calls == 0
    async with served(Access(None), unlisted, implementation) as channel:
        await channel.unary_unary("/unlisted.Unlisted/Do")(b"")


class Echo:
    """Answers each call with what it learned of its caller."""

    async def CreatePayments(self, request: Any, call: Call) -> coalescing_pb2.CreatePaymentsResponse:
        return coalescing_pb2.CreatePaymentsResponse(
            results=[
                coalescing_pb2.CallResult(client=caller.client, error=caller.refusal.status() if caller.refusal else None)
                for caller in call.callers
            ]
        )

    GetPayments: Callable[..., Any] = CreatePayments
    UpdatePayments: Callable[..., Any] = CreatePayments


async def test_each_call_of_a_message_is_judged_by_its_own_key_and_not_by_the_messages(access: Access) -> None:
    contexts = [f"Bearer {WRITE}", "", f"Bearer {READ}", "Bearer wrong", f"Bearer {EXPIRED}", f"Bearer {WRITE}"]
    request = coalescing_pb2.CreatePaymentsRequest(calls=[{"context": {"authorization": each}} for each in contexts])
    async with served(access, COALESCING, Echo(), **CARRIED) as channel:
        for metadata in ((), bearer(WRITE), bearer("wrong")):
            results = (await CoalescingServiceStub(channel).CreatePayments(request, metadata=metadata)).results
            assert [result.client for result in results] == ["writer", "", "reader", "", "", "writer"]
            refused = [refusal(result.error) if result.error.code else None for result in results]
            assert refused == [None, MISSING, NO_WRITE, INVALID, OUT_OF_DATE, None]
