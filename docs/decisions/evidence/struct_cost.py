"""Compares google.protobuf.Struct with JSON text as the type of a payment's `data`: what it costs, and what numbers it loses.

Run it with `.venv/bin/python docs/decisions/evidence/struct_cost.py`. The work compared is what one hop adds to a create: the gateway
takes the document out of the request body and serializes the message; the server parses the message and has JSON for PostgreSQL.
"""

import json
import timeit
from collections.abc import Callable

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from payments.v1.payments_pb2 import CreatePaymentRequest

DOCUMENT = '{"customer":"c-1029","items":[{"sku":"A-17","quantity":2},{"sku":"B-4","quantity":1}],"note":"first"}'
NUMBERS = ["9007199254740993", "0.12345678901234567890", "12345678901234567890", "1.10", "1e400"]


def through_struct(text: str) -> str:
    gateway = Struct()
    gateway.update(json.loads(text))
    server = Struct.FromString(gateway.SerializeToString())
    return json.dumps(json_format.MessageToDict(server))


def through_text(text: str) -> str:
    json.loads(text)  # the check that it is JSON; the text itself is passed on
    wire = CreatePaymentRequest(data=text).SerializeToString()
    data: str = CreatePaymentRequest.FromString(wire).data
    return data


def microseconds(function: Callable[[str], str]) -> float:
    count = 5_000
    return min(timeit.repeat(lambda: function(DOCUMENT), number=count, repeat=5)) / count * 1e6


def main() -> None:
    struct, text = microseconds(through_struct), microseconds(through_text)
    print(f"a document of {len(DOCUMENT)} bytes, one hop: Struct {struct:.1f} µs, text {text:.1f} µs, {struct / text:.1f} times")
    size = Struct()
    size.update(json.loads(DOCUMENT))
    print(f"on the wire: Struct {size.ByteSize()} bytes, text {len(DOCUMENT)} bytes")
    for number in NUMBERS:
        document = f'{{"n": {number}}}'
        try:
            struct_answer = through_struct(document)
        except Exception as error:
            struct_answer = f"{type(error).__name__}: {error}"
        print(f"{number}: Struct {struct_answer}; text {through_text(document)}")


if __name__ == "__main__":
    main()
