"""What REST adds to the payments RPCs: the headers Idempotency-Key, If-Match, If-None-Match and ETag."""

from typing import Any

import grpc.aio
from starlette.responses import Response

from gateway.channel import SERVICE
from gateway.listing import Lists
from gateway.preconditions import EntityTags, MalformedPrecondition, etag_header
from gateway.transcoding import Call, Handler, Refusal, RpcFailed, Violation, problem_response
from payments.v1 import listing_pb2_grpc, payments_pb2, uuid7
from payments.v1.metadata import PAYMENT_ID

NO_ETAG = "none"  # etags are numbers
MOST_ETAGS = 8  # in one If-Match: each may cost a call


def invalid(field: str, description: str) -> Refusal:
    """INVALID_ARGUMENT that names a header or field."""
    return Refusal(f"{field}: {description}", violations=[Violation(field, description)], reason="INVALID_FIELD")


async def create(call: Call) -> Response:
    message: payments_pb2.CreatePaymentRequest = call.message
    keys = call.header(b"idempotency-key")
    if keys:
        key = keys[0]
        if len(keys) > 1 or not key:
            raise invalid("request_id", "the header Idempotency-Key must be one key of 1 to 64 visible ASCII characters")
        if message.request_id and message.request_id != key:
            raise invalid("request_id", "differs from the header Idempotency-Key")
        message.request_id = key
    if not message.request_id:
        # The gateway repeats a create whose connection was lost: under an id of its own it meets the primary key.
        call.metadata.append((PAYMENT_ID, uuid7.new()))
    reply = await call.invoke()
    return call.render(reply, headers=etag_header(reply.etag))


async def batch_create(call: Call) -> Response:
    if call.header(b"idempotency-key"):
        raise invalid("Idempotency-Key", "is not for batches: give each item a request_id")
    return call.render(await call.invoke())


async def get(call: Call) -> Response:
    unless = _entity_tags(call, "If-None-Match")
    reply = await call.invoke()
    headers = etag_header(reply.etag) | {"Cache-Control": "private, no-cache"}
    if unless is not None and not unless.none_match(reply.etag):
        return Response(status_code=304, headers=headers)
    return call.render(reply, headers=headers)


async def update_or_delete(call: Call) -> Response:
    condition = _entity_tags(call, "If-Match")
    try:
        reply = await (_invoke(call) if condition is None or condition.any else _invoke_if_match(call, condition.strong))
    except RpcFailed as error:
        if condition is not None and error.reason == "ETAG_MISMATCH":
            return problem_response(error.status, http_status=412)
        raise
    return call.render(reply, headers=etag_header(reply.etag))


async def _invoke_if_match(call: Call, etags: tuple[str, ...]) -> payments_pb2.Payment:
    """Tries each tag: a mismatch changes nothing. `etags` are the strong ones, as weak ones never match; without any the condition is
    false wherever the payment is there, which the server says of an etag that no payment has."""
    if call.message.etag and call.message.etag not in etags:
        raise invalid("etag", "differs from the header If-Match")
    if call.message.etag:
        return await _invoke(call)  # the field is the narrower condition
    if len(etags) > MOST_ETAGS:
        raise invalid("If-Match", f"lists more than {MOST_ETAGS} entity tags")
    # An empty tag is one that no payment has; in the message it would mean that there is no condition.
    etags = tuple(etag or NO_ETAG for etag in etags) or (NO_ETAG,)
    for etag in etags[:-1]:
        call.message.etag = etag
        try:
            return await _invoke(call)
        except RpcFailed as error:
            if error.reason != "ETAG_MISMATCH":
                raise
    call.message.etag = etags[-1]
    return await _invoke(call)


async def _invoke(call: Call) -> payments_pb2.Payment:
    reply: payments_pb2.Payment = await call.invoke()
    return reply


def _entity_tags(call: Call, header: str) -> EntityTags | None:
    values = call.header(header.lower().encode())
    if not values:
        return None
    try:
        return EntityTags.parse(", ".join(values))
    except MalformedPrecondition as error:
        raise invalid(header, str(error)) from None


def handlers(channel: grpc.aio.Channel) -> dict[str, Handler]:
    """By the full name of an RPC what answers its requests."""
    listing: Any = listing_pb2_grpc.ListingServiceStub(channel)
    return {
        f"{SERVICE}.CreatePayment": create,
        f"{SERVICE}.BatchCreatePayments": batch_create,
        f"{SERVICE}.GetPayment": get,
        f"{SERVICE}.ListPayments": Lists(listing.ListPaymentsJson).answer,
        f"{SERVICE}.UpdatePayment": update_or_delete,
        f"{SERVICE}.DeletePayment": update_or_delete,
    }
