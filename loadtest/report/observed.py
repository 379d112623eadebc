"""What the service's own metrics say meanwhile, read as a Prometheus does."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import requests
from prometheus_client.parser import text_string_to_metric_families

_EACH = 1.0  # seconds
_DURATIONS = ("http_request_duration_seconds", "grpc_server_handling_seconds")
_COUNTERS = {"http_requests_total": "code", "grpc_server_handled_total": "grpc_code"}
_OURS = {"grpc_service": "payments.v1.PaymentService"}  # not health, not reflection

Buckets = dict[float, float]


@dataclass(frozen=True)
class Sample:
    """A look at one process."""

    moment: float  # seconds from the begin of the load
    component: str
    version: str
    cpu: float  # seconds in all
    resident: float  # MiB
    answered: dict[str, float]  # requests by code, in all
    buckets: Buckets  # of the time that requests took, in all


@dataclass
class Observed:
    """Looks of the whole run at the process behind one URL. `failures`: looks that found nothing."""

    url: str
    samples: list[Sample] = field(default_factory=list)
    failures: int = 0

    @property
    def component(self) -> str:
        return self.samples[-1].component if self.samples else self.url

    def rates(self, of: str) -> tuple[list[float], list[float]]:
        """Moments, and between each two looks the growth a second of `cpu`, of `answered` or of the failed ones among them."""
        moments, found = [], []
        for before, after in zip(self.samples, self.samples[1:], strict=False):
            moments.append((before.moment + after.moment) / 2)
            found.append((_value(after, of) - _value(before, of)) / max(1e-3, after.moment - before.moment))
        return moments, found

    def told(self) -> dict[str, float | str | None]:
        """In few numbers: requests answered, those by code, the 50th and 99th percentile in milliseconds, CPU of one core, memory."""
        if len(self.samples) < 2:
            return {}
        first, last = self.samples[0], self.samples[-1]
        grown = {bound: count - first.buckets.get(bound, 0) for bound, count in last.buckets.items()}
        codes = {code: count - first.answered.get(code, 0) for code, count in last.answered.items()}
        seconds = max(1e-3, last.moment - first.moment)
        return {
            "requests": sum(codes.values()),
            "codes": ", ".join(f"{code} {count:,.0f}" for code, count in sorted(codes.items()) if count),
            "p50": quantile(grown, 0.5),
            "p99": quantile(grown, 0.99),
            "cpu": (last.cpu - first.cpu) / seconds,
            "resident_first": first.resident,
            "resident_last": last.resident,
            "version": last.version,
        }


def _value(sample: Sample, of: str) -> float:
    return sample.cpu if of == "cpu" else sum(sample.answered.values())


def quantile(buckets: Mapping[float, float], part: float) -> float | None:
    """Milliseconds, as histogram_quantile() of Prometheus interpolates them; nothing of nothing."""
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    wanted, below, least = part * buckets[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted:
            if bound == float("inf"):
                return least * 1000
            return (least + (bound - least) * (wanted - below) / max(1e-9, buckets[bound] - below)) * 1000
        below, least = buckets[bound], bound
    return least * 1000


def parse(text: str, moment: float) -> Sample:
    """Raises ValueError where it is not Prometheus's text."""
    component = version = ""
    cpu = resident = 0.0
    answered: dict[str, float] = {}
    buckets: Buckets = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name, labels, value = sample.name, sample.labels, sample.value
            if not labels.items() >= {key: ours for key, ours in _OURS.items() if key in labels}.items():
                continue
            if name == "payments_build_info":
                component, version = labels["component"], labels["version"]
            elif name == "process_cpu_seconds_total":
                cpu += value
            elif name == "process_resident_memory_bytes":
                resident += value / 2**20
            elif name in _COUNTERS:
                code = labels[_COUNTERS[name]]
                answered[code] = answered.get(code, 0) + value
            elif name.removesuffix("_bucket") in _DURATIONS and name.endswith("_bucket"):
                bound = float(labels["le"])
                buckets[bound] = buckets.get(bound, 0) + value
    return Sample(moment, component, version, cpu, resident, answered, buckets)


class Observer:
    """Looks at each URL once a second while the context lasts."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.observed = [Observed(url) for url in urls]
        self._begin = time.time()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._look, args=(each,)) for each in self.observed]

    def begin(self, moment: float) -> None:
        """Of the load, on time.time()'s clock."""
        self._begin = moment

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _look(self, observed: Observed) -> None:
        session = requests.Session()
        session.trust_env = False
        while not self._ended.is_set():
            moment = time.time()
            try:
                answer = session.get(observed.url, timeout=_EACH * 2)
                answer.raise_for_status()
                observed.samples.append(parse(answer.text, moment - self._begin))
            except (requests.RequestException, ValueError):
                observed.failures += 1  # told in the report
            self._ended.wait(max(0.0, moment + _EACH - time.time()))
