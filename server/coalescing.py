"""CoalescingService: several callers' creates and updates in one call of the gateway, each checked and answered on its own."""

from collections.abc import Sequence

from payments.v1 import coalescing_pb2 as pb
from payments.v1 import payments_pb2
from server.errors import Failure
from server.service import Metadata, PaymentService


class CoalescingService:
    """`deadline` is on time.monotonic()'s clock. Methods raise Failure where all calls share one, such as a lost database."""

    def __init__(self, service: PaymentService) -> None:
        self._service = service

    async def CreatePayments(self, request: pb.CreatePaymentsRequest, metadata: Metadata, deadline: float) -> pb.CreatePaymentsResponse:
        calls = [(call.request, call.context.payment_id) for call in request.calls]
        return pb.CreatePaymentsResponse(results=_results(await self._service.create_each(calls, deadline)))

    async def UpdatePayments(self, request: pb.UpdatePaymentsRequest, metadata: Metadata, deadline: float) -> pb.UpdatePaymentsResponse:
        calls = [call.request for call in request.calls]
        return pb.UpdatePaymentsResponse(results=_results(await self._service.update_each(calls, deadline)))


def _results(outcomes: Sequence[payments_pb2.Payment | Failure]) -> list[pb.CallResult]:
    return [
        pb.CallResult(error=outcome.status()) if isinstance(outcome, Failure) else pb.CallResult(payment=outcome) for outcome in outcomes
    ]
