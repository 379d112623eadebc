"""Mutated gRPC calls: a method, the bytes of its request, and metadata."""

from random import Random

from google.protobuf.message import Message

from payments.v1 import coalescing_pb2 as coalescing
from payments.v1 import payments_pb2 as pb
from tests.hostile import http2
from tests.hostile.values import HEADER_VALUES, LITERALS, SEGMENTS, mutated

Metadata = tuple[tuple[str, str], ...]
_NAMES = ("x-request-id", "traceparent", "payments-payment-id", "authorization", "user-agent2", "x")
_TEXTS = tuple(literal.strip('"') for literal in LITERALS)


def call(random: Random, ids: list[str]) -> tuple[str, bytes, Metadata]:
    """Full method name, message, metadata."""
    method, message = _template(random, ids)
    data = message.SerializeToString()
    if random.random() < 0.4:
        data = mutated(data, random, 6) if data else random.randbytes(20)
    if random.random() < 0.02:
        method = random.choice(("/payments.v1.PaymentService/Nothing", "/x.y/Z", "//", "/payments.v1.PaymentService/"))
    metadata: Metadata = ()
    if random.random() < 0.4:
        value = random.choice(HEADER_VALUES).decode("latin-1").encode("ascii", "ignore").decode().replace("\t", " ")
        metadata = ((random.choice(_NAMES), value),)
    return method, data, metadata


def _template(random: Random, ids: list[str]) -> tuple[str, Message]:
    id = random.choice(ids) if random.random() < 0.5 else random.choice(SEGMENTS)
    service = "/payments.v1.PaymentService/"
    match random.randrange(8):
        case 0:
            return service + "CreatePayment", _create(random)
        case 1:
            return service + "BatchCreatePayments", pb.BatchCreatePaymentsRequest(
                requests=[_create(random) for _ in range(random.randrange(4))]
            )
        case 2:
            return service + "GetPayment", pb.GetPaymentRequest(id=id)
        case 3:
            return service + "UpdatePayment", _update(random, id)
        case 4:
            return service + "DeletePayment", pb.DeletePaymentRequest(id=random.choice(SEGMENTS), etag=random.choice(_TEXTS))
        case 5:
            size = random.choice((0, 1, 5, -1, 2**31 - 1, -(2**31)))
            method = random.choice((service + "ListPayments", "/payments.v1.ListingService/ListPaymentsJson"))
            token = random.choice(("", "", *SEGMENTS))
            return method, pb.ListPaymentsRequest(status=random.choice((0, 1, 2, 3, -1)), page_size=size, page_token=token)  # type: ignore[arg-type]
        case 6:
            context = coalescing.CallContext(request_id=random.choice(_TEXTS), payment_id=random.choice(("", id)))
            calls = [coalescing.CreateCall(request=_create(random), context=context) for _ in range(random.randrange(4))]
            return "/payments.v1.CoalescingService/CreatePayments", coalescing.CreatePaymentsRequest(calls=calls)
        case _:
            updates = [coalescing.UpdateCall(request=_update(random, id)) for _ in range(random.randrange(4))]
            return "/payments.v1.CoalescingService/UpdatePayments", coalescing.UpdatePaymentsRequest(calls=updates)


def _create(random: Random) -> pb.CreatePaymentRequest:
    return pb.CreatePaymentRequest(
        data=random.choice((random.choice(LITERALS), f'{{"a":{random.choice(LITERALS)}}}', "{}")),
        payment=random.choice((random.choice(_TEXTS), "1.50", "7")),
        status=random.choice((0, 0, 1, 2, 3, -1)),  # type: ignore[arg-type]
        request_id=random.choice(("", "", random.choice(_TEXTS))),
    )


def _update(random: Random, id: str) -> pb.UpdatePaymentRequest:
    return pb.UpdatePaymentRequest(id=id, status=random.choice((0, 1, 2, 3)), etag=random.choice(("", random.choice(_TEXTS))))  # type: ignore[arg-type]


def frames(random: Random) -> bytes:
    """HTTP/2 as no client speaks it: frames of random types, lengths and contents, with the preface or without."""
    sent = http2.PREFACE if random.random() < 0.9 else random.randbytes(30)
    if random.random() < 0.8:
        sent += http2.frame(http2.SETTINGS, 0, 0)
    for _ in range(random.randint(1, 20)):
        payload = random.randbytes(random.choice((0, 1, 4, 5, 6, 8, 100)))
        length = len(payload) if random.random() < 0.8 else random.randrange(1 << 24)
        stream = random.choice((0, 1, 1, 2, 3, 2**31 - 1, 2**32 - 1))
        sent += length.to_bytes(3, "big") + bytes((random.randrange(12), random.randrange(256))) + stream.to_bytes(4, "big") + payload
    return sent
