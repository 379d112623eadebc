"""CoalescingService: several callers' reads, creates and updates in one call of the gateway, each checked and answered on its own."""

from payments.v1 import coalescing_pb2 as pb
from payments.v1 import payments_pb2
from server.call import Call, Caller
from server.errors import Failure
from server.service import PaymentService


class CoalescingService:
    """Methods raise Failure where all calls share one, such as a lost database."""

    def __init__(self, service: PaymentService) -> None:
        self._service = service

    async def GetPayments(self, request: pb.GetPaymentsRequest, call: Call) -> pb.GetPaymentsResponse:
        calls = [(each.request, caller) for each, caller in zip(request.calls, call.callers, strict=True)]
        outcomes = await self._service.get_each(calls, call.deadline)
        return pb.GetPaymentsResponse(results=map(_result, outcomes, call.callers))

    async def CreatePayments(self, request: pb.CreatePaymentsRequest, call: Call) -> pb.CreatePaymentsResponse:
        pairs = zip(request.calls, call.callers, strict=True)
        calls = [(each.request, each.context.payment_id, caller) for each, caller in pairs]
        outcomes = await self._service.create_each(calls, call.deadline)
        return pb.CreatePaymentsResponse(results=map(_result, outcomes, call.callers))

    async def UpdatePayments(self, request: pb.UpdatePaymentsRequest, call: Call) -> pb.UpdatePaymentsResponse:
        calls = [(each.request, caller) for each, caller in zip(request.calls, call.callers, strict=True)]
        outcomes = await self._service.update_each(calls, call.deadline)
        return pb.UpdatePaymentsResponse(results=map(_result, outcomes, call.callers))


def _result(outcome: payments_pb2.Payment | Failure, caller: Caller) -> pb.CallResult:
    if isinstance(outcome, Failure):
        return pb.CallResult(error=outcome.status(), client=caller.client)
    return pb.CallResult(payment=outcome, client=caller.client)
