"""Compares the compiled codec with protobuf's json_format and with a Pydantic model: a create's body in, a payment's JSON out.

Run it with `.venv/bin/python docs/decisions/evidence/codec_cost.py`. json_format cannot show a literal, so there `data` and `payment`
are quoted strings, which is less work than their JSON; the Pydantic model holds the same fields as the message.
"""

import json
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from google.protobuf import json_format
from pydantic import BaseModel, ConfigDict

from gateway.transcoding.codec import Codec, JsonFormat
from payments.v1 import annotations_pb2, payments_pb2

DATA = '{"customer":"c-1029","items":[{"sku":"A-17","quantity":2},{"sku":"B-4","quantity":1}],"note":"first"}'
BODY = f'{{"data":{DATA},"payment":1234.56}}'.encode()
QUOTED_BODY = json.dumps({"data": DATA, "payment": "1234.56"}).encode()
FORMAT = JsonFormat(proto_names=True, short_enums=True, literal=annotations_pb2.json_literal)
PAYMENT = payments_pb2.Payment(id="01a20d3d-4b11-703b-ae6b-eb5b5d5d8c86", status=1, data=DATA, payment="1234.56", etag="1")
PAYMENT.create_time.FromDatetime(datetime(2026, 11, 24, 9, 15, 0, 123456, UTC))
PAYMENT.update_time.CopyFrom(PAYMENT.create_time)


class CreateRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    data: dict[str, Any]
    payment: Decimal
    status: Literal["inserted", "consumed"] = "inserted"
    request_id: str = ""


class Payment(BaseModel):
    id: str
    status: Literal["inserted", "consumed"]
    data: dict[str, Any]
    payment: float
    create_time: datetime
    update_time: datetime
    etag: str


def pydantic_in() -> object:
    request = CreateRequest.model_validate_json(BODY)
    return payments_pb2.CreatePaymentRequest(data=json.dumps(request.data), payment=str(request.payment), status=1)


def pydantic_out() -> object:
    return Payment(
        id=PAYMENT.id,
        status="inserted",
        data=json.loads(PAYMENT.data),
        payment=float(PAYMENT.payment),
        create_time=PAYMENT.create_time.ToDatetime(UTC),
        update_time=PAYMENT.update_time.ToDatetime(UTC),
        etag=PAYMENT.etag,
    ).model_dump_json()


def microseconds(function: Callable[[], object]) -> float:
    count = 5_000
    return min(timeit.repeat(function, number=count, repeat=5)) / count * 1e6


def main() -> None:
    request = Codec(payments_pb2.CreatePaymentRequest.DESCRIPTOR, FORMAT)
    payment = Codec(payments_pb2.Payment.DESCRIPTOR, FORMAT)
    ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "compiled codec": (lambda: request.decode(BODY), lambda: payment.encode(PAYMENT)),
        "json_format": (
            lambda: json_format.Parse(QUOTED_BODY, payments_pb2.CreatePaymentRequest()),
            lambda: json_format.MessageToJson(PAYMENT, indent=None),
        ),
        "Pydantic model": (pydantic_in, pydantic_out),
    }
    for name, (inward, outward) in ways.items():
        print(f"{name}: request in {microseconds(inward):.1f} µs, payment out {microseconds(outward):.1f} µs")


if __name__ == "__main__":
    main()
