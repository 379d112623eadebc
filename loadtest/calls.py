"""The calls that a load is made of, as both APIs take them. A chain is the life of one payment, each call made after the one before."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NAMES = ("create", "get", "update", "delete", "gone", "list")
NOT_FOUND, OK = "NOT_FOUND", "OK"
PAGE = 100


@dataclass(frozen=True)
class Call:
    """One call of a chain. `gone` reads a payment that has been deleted, and expects not to find it."""

    name: str
    revision: int  # of the payment before the call
    title: str  # of its own in the chain

    @property
    def rpc(self) -> str:
        return {
            "create": "CreatePayment",
            "get": "GetPayment",
            "update": "UpdatePayment",
            "delete": "DeletePayment",
            "gone": "GetPayment",
            "list": "ListPayments",
        }[self.name]

    @property
    def expected(self) -> str:
        """The code of gRPC that is right."""
        return NOT_FOUND if self.name == "gone" else OK

    @property
    def expected_status(self) -> int:
        """The HTTP status that is right."""
        return 404 if self.name == "gone" else 200

    def message(self, id: str) -> dict[str, Any]:
        """What the RPC asks of an existing payment, in the JSON of protobuf."""
        match self.name:
            case "list":
                return {"page_size": PAGE}
            case "update":
                return {"id": id, "status": "STATUS_CONSUMED", "etag": str(self.revision)}
            case "delete":
                return {"id": id, "etag": str(self.revision)}
        return {"id": id}


def chain(names: Sequence[str]) -> list[Call]:
    """Raises ValueError where the calls cannot follow one another."""
    calls: list[Call] = []
    state, revision = "none", 1
    for name in names:
        if name not in NAMES:
            raise ValueError(f"{name!r} is none of {', '.join(NAMES)}")
        needed = {"create": "none", "gone": "deleted", "list": state}.get(name, "created")
        if state != needed:
            raise ValueError(f"{name!r} needs a payment that is {needed}, and here it is {state}")
        same = sum(call.name == name for call in calls)
        calls.append(Call(name, revision, f"{name} {same + 1}" if same else name))
        state = {"create": "created", "delete": "deleted"}.get(name, state)
        revision += name == "update"
    if not calls:
        raise ValueError("no calls")
    return calls


@dataclass(frozen=True)
class Paid:
    """A payment of a load, different from each other: `number` counts within the run."""

    run: str
    number: int

    @property
    def data(self) -> dict[str, Any]:
        return {"load": self.run, "number": self.number}

    @property
    def amount(self) -> str:
        """0.00 to 99999.99."""
        return f"{self.number * 7919 % 100_000}.{self.number % 100:02}"

    @property
    def key(self) -> str:
        """Makes its create idempotent."""
        return f"{self.run}-{self.number}"

    @property
    def body(self) -> str:
        return f'{{"data":{json.dumps(self.data)},"payment":{self.amount}}}'
