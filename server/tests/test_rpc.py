"""What every call passes through, on a real gRPC server in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.rpc import error_details_pb2, status_pb2

from payments.v1 import coalescing_pb2, coalescing_pb2_grpc
from payments.v1 import payments_pb2 as pb
from payments.v1.metadata import PAYMENT_ID
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from server.access import Access
from server.database import Database
from server.rpc import MOST_CARRIED, Calls
from server.serve import CARRIED, COALESCING, SERVICE
from server.service import PaymentService

Query = Callable[..., list[tuple[Any, ...]]]
Lock = Callable[[str], contextlib.AbstractContextManager[None]]
CREATE = pb.CreatePaymentRequest(data="{}", payment="1")


@contextlib.asynccontextmanager
async def served(
    implementation: object,
    max_in_flight: int = 100,
    timeout: float = 10,
    calls: Calls | None = None,
    service: ServiceDescriptor = SERVICE,
    carried: Mapping[str, MethodDescriptor] | None = None,
) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    calls = calls or Calls(max_in_flight, timeout, Access(None))
    server.add_generic_rpc_handlers((calls.handlers(service, implementation, carried),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(0)


def reason(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str, float | None]:
    """The code, the reason, and the seconds to wait before a retry."""
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    info, retry, retried = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo(), False
    for detail in status.details:
        detail.Unpack(info)
        retried = detail.Unpack(retry) or retried
    assert (status.code, status.message, info.domain) == (error.code().value[0], error.details(), "payments.v1")
    return error.code(), info.reason, retry.retry_delay.ToTimedelta().total_seconds() if retried else None


@pytest.fixture
async def payment(database: Database, query: Query) -> pb.Payment:
    async with served(PaymentService(database)) as channel:
        return await PaymentServiceStub(channel).CreatePayment(CREATE)


async def waiters(query: Query, number: int) -> None:
    async with asyncio.timeout(10):
        while query("SELECT count(*) FROM pg_locks WHERE NOT granted") != [(number,)]:
            await asyncio.sleep(0.01)


async def test_while_the_database_is_away_calls_are_refused_and_those_in_flight_end(
    database: Database, query: Query, lock: Lock, payment: pb.Payment
) -> None:
    calls = Calls(100, 10, Access(None))
    refused = (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE", 1)
    async with served(PaymentService(database), calls=calls) as channel:
        stub = PaymentServiceStub(channel)
        with lock(payment.id):
            update = stub.UpdatePayment(pb.UpdatePaymentRequest(id=payment.id, status=pb.STATUS_CONSUMED))
            await waiters(query, 1)
            calls.tell("no answer")
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await update
            assert reason(raised.value) == refused
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await stub.CreatePayment(CREATE)
            assert reason(raised.value) == refused
        calls.tell("")
        assert (await stub.CreatePayment(CREATE)).etag == "1"


async def test_one_call_more_than_the_limit_is_refused_until_another_ends(
    database: Database, query: Query, lock: Lock, payment: pb.Payment
) -> None:
    async with served(PaymentService(database), max_in_flight=2) as channel:
        stub = PaymentServiceStub(channel)
        update = pb.UpdatePaymentRequest(id=payment.id, status=pb.STATUS_CONSUMED)
        with lock(payment.id):
            first = stub.UpdatePayment(update)
            await waiters(query, 1)
            second = stub.DeletePayment(pb.DeletePaymentRequest(id=payment.id))
            await waiters(query, 2)
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await stub.GetPayment(pb.GetPaymentRequest(id=payment.id))
            assert reason(raised.value) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS", 1)
        assert [(await first).etag, (await second).etag] == ["2", "2"]
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.GetPayment(pb.GetPaymentRequest(id=payment.id))
        assert raised.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(("server_seconds", "client_seconds"), [(0.3, None), (30, 0.3)])
async def test_a_call_ends_at_the_earlier_deadline(
    database: Database, query: Query, lock: Lock, payment: pb.Payment, server_seconds: float, client_seconds: float | None
) -> None:
    async with served(PaymentService(database), timeout=server_seconds) as channel:
        stub = PaymentServiceStub(channel)
        with lock(payment.id):
            async with asyncio.timeout(3):
                with pytest.raises(grpc.aio.AioRpcError) as raised:
                    await stub.UpdatePayment(pb.UpdatePaymentRequest(id=payment.id, status=pb.STATUS_CONSUMED), timeout=client_seconds)
            assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            if not client_seconds:
                assert reason(raised.value)[1] == "DEADLINE_EXCEEDED"
            await waiters(query, 0)
        assert (await stub.GetPayment(pb.GetPaymentRequest(id=payment.id))).etag == "1"


async def test_calls_that_were_cancelled_free_their_place(database: Database, query: Query, lock: Lock, payment: pb.Payment) -> None:
    async with served(PaymentService(database), max_in_flight=1, timeout=2) as channel:
        stub = PaymentServiceStub(channel)
        with lock(payment.id):
            call = stub.UpdatePayment(pb.UpdatePaymentRequest(id=payment.id, status=pb.STATUS_CONSUMED))
            await waiters(query, 1)
            call.cancel()
            async with asyncio.timeout(5):
                while True:
                    with contextlib.suppress(grpc.aio.AioRpcError):
                        await stub.GetPayment(pb.GetPaymentRequest(id=payment.id))
                        break


@pytest.mark.parametrize("method", [method.name for method in SERVICE.methods])
async def test_a_message_that_cannot_be_decoded_is_the_callers_fault(database: Database, method: str) -> None:
    async with served(PaymentService(database)) as channel:
        call = channel.unary_unary(f"/{SERVICE.full_name}/{method}")
        for garbage in (b"\xff", b"\x08", b"\x0b"):  # no tag, a number cut short, a group without an end
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await call(garbage)
            assert reason(raised.value) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE", None)


async def test_text_that_is_not_utf_8_is_the_callers_fault(database: Database) -> None:
    async with served(PaymentService(database)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await channel.unary_unary(f"/{SERVICE.full_name}/CreatePayment")(b"\x0a\x02\xc3\x28")
        assert reason(raised.value) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE", None)


async def test_an_unexpected_error_is_told_by_an_id_that_the_log_has(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def __getattr__(self, method: str) -> Callable[..., Any]:
            async def call(*arguments: object) -> None:
                raise LookupError("host name and SQL")

            return call

    async with served(Broken()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await PaymentServiceStub(channel).GetPayment(pb.GetPaymentRequest(), metadata=(("x-request-id", "request-17"),))
    assert reason(raised.value) == (grpc.StatusCode.INTERNAL, "INTERNAL", None)
    details = raised.value.details() or ""
    assert "SQL" not in details
    assert details.split()[-1].rstrip(".") in caplog.text
    assert "request-17" in caplog.text
    assert "LookupError: host name and SQL" in caplog.text


async def test_an_id_given_with_a_create_is_the_payments_id(database: Database, query: Query) -> None:
    id = "0199D3F2-0000-7000-8000-000000000001"
    async with served(PaymentService(database)) as channel:
        create = PaymentServiceStub(channel).CreatePayment
        first = await create(CREATE, metadata=((PAYMENT_ID, id),))
        assert first.id == id.lower()
        assert await create(CREATE, metadata=((PAYMENT_ID, id),)) == first
        for wrong in ("1", "0199d3f2-0000-4000-8000-000000000001", "x" * 36):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await create(CREATE, metadata=((PAYMENT_ID, wrong),))
            assert reason(raised.value)[:2] == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert query("SELECT count(*) FROM payments") == [(1,)]


async def test_of_a_key_and_an_id_the_key_decides(database: Database, query: Query) -> None:
    id = "0199d3f2-0000-7000-8000-000000000002"
    async with served(PaymentService(database)) as channel:
        create = PaymentServiceStub(channel).CreatePayment
        keyed = [pb.CreatePaymentRequest(data="{}", payment="1", request_id=key) for key in ("a", "b", "a")]
        a, b, again = [await create(request, metadata=((PAYMENT_ID, id),)) for request in keyed]
    assert a == again
    assert a.id != b.id
    assert query("SELECT count(*) FROM payments") == [(2,)]


async def test_a_message_of_too_many_calls_is_refused_before_any_is_looked_at() -> None:
    calls = Calls(100, 10, Access(None))
    looked_at: list[object] = []
    calls._callers = lambda *arguments: looked_at.append(arguments) or []  # type: ignore[func-returns-value, method-assign]
    implementation = SimpleNamespace(GetPayments=None, CreatePayments=None, UpdatePayments=None)
    async with served(implementation, calls=calls, service=COALESCING, carried=CARRIED) as channel:
        stub = coalescing_pb2_grpc.CoalescingServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.GetPayments(coalescing_pb2.GetPaymentsRequest(calls=[coalescing_pb2.GetCall()] * (MOST_CARRIED + 1)))
    assert reason(raised.value) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", None)
    assert not looked_at
