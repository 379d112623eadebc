"""ListingService: pages of payments as the text that REST answers with."""

from payments.v1 import listing_pb2, payments_pb2
from server.call import Call
from server.service import PaymentService


class ListingService:
    """Methods raise Failure."""

    def __init__(self, service: PaymentService) -> None:
        self._service = service

    async def ListPaymentsJson(self, request: payments_pb2.ListPaymentsRequest, call: Call) -> listing_pb2.ListPaymentsJsonResponse:
        return await self._service.list_json(request, call.deadline)
