"""Version 1 of the payments API: messages, and the stub that calls it."""

from payments.v1.payments_pb2 import (
    STATUS_CONSUMED,
    STATUS_INSERTED,
    STATUS_UNSPECIFIED,
    BatchCreatePaymentsRequest,
    BatchCreatePaymentsResponse,
    BatchCreatePaymentsResult,
    CreatePaymentRequest,
    DeletePaymentRequest,
    GetPaymentRequest,
    ListPaymentsRequest,
    ListPaymentsResponse,
    Payment,
    Status,
    UpdatePaymentRequest,
)
from payments.v1.payments_pb2_grpc import PaymentServiceStub

__all__ = [
    "STATUS_CONSUMED",
    "STATUS_INSERTED",
    "STATUS_UNSPECIFIED",
    "BatchCreatePaymentsRequest",
    "BatchCreatePaymentsResponse",
    "BatchCreatePaymentsResult",
    "CreatePaymentRequest",
    "DeletePaymentRequest",
    "GetPaymentRequest",
    "ListPaymentsRequest",
    "ListPaymentsResponse",
    "Payment",
    "PaymentServiceStub",
    "Status",
    "UpdatePaymentRequest",
]
