"""ListingService: pages of payments as the text that REST answers with."""

from payments.v1 import listing_pb2, payments_pb2
from server.service import Metadata, PaymentService


class ListingService:
    """`deadline` is on time.monotonic()'s clock. Methods raise Failure."""

    def __init__(self, service: PaymentService) -> None:
        self._service = service

    async def ListPaymentsJson(
        self, request: payments_pb2.ListPaymentsRequest, metadata: Metadata, deadline: float
    ) -> listing_pb2.ListPaymentsJsonResponse:
        return await self._service.list_json(request, deadline)
