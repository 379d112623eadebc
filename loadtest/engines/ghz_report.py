"""What ghz tells of a run, and the latencies that it does not tell: from when each call was due."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from loadtest.plan.schedule import Phase


@dataclass(frozen=True)
class Detail:
    """One call. `begun`: on time.time()'s clock; `status`: the code of gRPC."""

    begun: float
    latency: float  # seconds
    status: str


@dataclass(frozen=True)
class Report:
    """ghz's JSON, as far as it is used. ghz itself keeps the details of a million calls at most."""

    count: int
    rate: float  # a second
    reason: str  # why it ended: normal, cancel
    details: list[Detail]


def read(text: str) -> Report:
    """Raises ValueError where it is not ghz's JSON."""
    try:
        found = dict(json.loads(text))
        details = [_detail(each) for each in found.get("details") or ()]
        return Report(found["count"], found["rps"], found.get("endReason", ""), details)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a report of ghz: {error!r}") from error


def _detail(found: dict[str, str | int]) -> Detail:
    latency = int(found["latency"]) / 1e9
    ended = datetime.fromisoformat(str(found["timestamp"])).timestamp()  # when the call ended
    return Detail(ended - latency, latency, _code(str(found["status"])))


def _code(name: str) -> str:
    """Of gRPC as everybody but Go spells it; Go says Canceled, and nothing where an error is not one of gRPC."""
    return {"": "UNKNOWN", "Canceled": "CANCELLED", "OK": "OK"}.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


@dataclass(frozen=True)
class Due:
    """A call as its client knows it: when it was due, on time.time()'s clock, and how long it took from then on."""

    due: float
    latency: float
    status: str


def from_due(report: Report, phase: Phase, began: float) -> Iterator[Due]:
    """The calls in the order they were due.

    ghz hands calls out in the order of its schedule, and when every place is taken the next one waits; it counts from when the call is
    sent. So the n-th call sent is the n-th that was due. The schedule's begin is not told: no call is sent before it is due, so it is
    the latest moment for which that holds, and not before `began`, when ghz was started.
    """
    sent = sorted(report.details, key=lambda detail: detail.begun)
    dues = list(phase.due())[: len(sent)]
    begin = max(began, min((detail.begun - due for detail, due in zip(sent, dues, strict=False)), default=began))
    for detail, due in zip(sent, dues, strict=False):
        yield Due(begin + due, detail.begun + detail.latency - begin - due, detail.status)
