"""The service level objectives, and the rules of their error budgets.

Multi-window, multi-burn-rate alerts as in Google's SRE workbook, chapter 5 (https://sre.google/workbook/alerting-on-slos/): a budget is for
30 days; burnt 14.4 times as fast as it would last, 2 % of it are gone in an hour.
"""

from dataclasses import dataclass
from typing import Any

from process.metrics import REQUEST_SECONDS

Rule = dict[str, Any]

SLOW = 0.3  # seconds
assert SLOW in REQUEST_SECONDS, "without a bucket at the objective's bound nobody knows how many requests were slower"

# What is no request to the API: probes, the page of documentation, and paths that nobody has.
_NO_REQUEST = "unknown|/status|/livez|/readyz|/docs.*|/openapi.*"
_REST = f'route!~"{_NO_REQUEST}"'
# A list without pages lasts as long as its client reads.
_REST_TIMED = f'route!~"{_NO_REQUEST}|/list"'
# 429 and RESOURCE_EXHAUSTED too: no client has a quota, so who is refused met the service's limit, not its own.
_REST_FAILED = 'code=~"5..|429"'
_GRPC = 'grpc_service=~"payments[.]v1[.].+"'
_GRPC_FAILED = 'grpc_code=~"UNKNOWN|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"'


@dataclass(frozen=True)
class Objective:
    """`requests` and `failed` or `good` are selectors of counters: all that count, and those among them that did not or did do
    as promised."""

    name: str
    target: float
    requests: str
    failed: str = ""
    good: str = ""

    def request_rate(self, window: str) -> str:
        return _rate(self.requests, window)

    def failure_rate(self, window: str) -> str:
        if self.good:
            return f"{_rate(self.requests, window)} - {_rate(self.good, window)}"
        # A code that nobody has met yet has no series, and a sum of nothing is no 0.
        return f"{_rate(self.failed, window)} or 0 * {_rate(self.requests, window)}"


def _rate(counter: str, window: str) -> str:
    return f"sum by (namespace) (rate({counter}[{window}]))"


OBJECTIVES = [
    Objective("rest-availability", 0.999, f"http_requests_total{{{_REST}}}", failed=f"http_requests_total{{{_REST},{_REST_FAILED}}}"),
    Objective(
        "rest-latency",
        0.99,
        f"http_request_duration_seconds_count{{{_REST_TIMED}}}",
        good=f'http_request_duration_seconds_bucket{{{_REST_TIMED},le="{SLOW}"}}',
    ),
    Objective(
        "grpc-availability",
        0.999,
        f"grpc_server_handled_total{{{_GRPC}}}",
        failed=f"grpc_server_handled_total{{{_GRPC},{_GRPC_FAILED}}}",
    ),
    Objective(
        "grpc-latency",
        0.99,
        f"grpc_server_handling_seconds_count{{{_GRPC}}}",
        good=f'grpc_server_handling_seconds_bucket{{{_GRPC},le="{SLOW}"}}',
    ),
]


@dataclass(frozen=True)
class BurnRate:
    """An alert while the budget burns `factor` times as fast as it may, over a long window, and over a short one, so that it ends soon
    after its cause."""

    factor: float
    long: str
    short: str
    hours: int
    severity: str


BURN_RATES = [
    BurnRate(14.4, "1h", "5m", 1, "page"),
    BurnRate(6, "6h", "30m", 6, "page"),
    BurnRate(1, "3d", "6h", 72, "ticket"),
]
LEAST_FAILURES = 5  # fewer would be chance: where so little is asked that as few would be an alert, there is none


def groups() -> list[Rule]:
    """One group, as its rules are evaluated in their order: each sees what those before it have just found."""
    rules = [*_budgets(), *_windows("5m", "30m", "1h", "6h", "3d"), *_month(), *map(_alert, BURN_RATES)]
    # Days are many samples to read, and nothing here changes within seconds.
    return [{"name": "payments-slo", "interval": "1m", "rules": rules}]


def _budgets() -> list[Rule]:
    return [_record("slo:error_budget:ratio", f"vector({round(1 - each.target, 6)})", each) for each in OBJECTIVES]


def _windows(*windows: str) -> list[Rule]:
    return [rule for window in windows for rule in (*_rates(window), _ratio(window))]


def _rates(window: str) -> list[Rule]:
    return [
        rule
        for each in OBJECTIVES
        for rule in (
            _record(f"slo:requests:rate{window}", each.request_rate(window), each),
            _record(f"slo:failed_requests:rate{window}", each.failure_rate(window), each),
        )
    ]


def _ratio(window: str) -> Rule:
    """Between 0 and 1; NaN where there was no request."""
    return {"record": f"slo:error_ratio:rate{window}", "expr": f"slo:failed_requests:rate{window} / slo:requests:rate{window}"}


def _month() -> list[Rule]:
    """From the rates of five minutes: those of the counters themselves over 30 days would read millions of samples."""
    ratio = "sum_over_time(slo:failed_requests:rate5m[30d]) / sum_over_time(slo:requests:rate5m[30d])"
    return [
        {"record": "slo:error_ratio:rate30d", "expr": ratio},
        {"record": "slo:error_budget_left:ratio", "expr": "1 - slo:error_ratio:rate30d / on (slo) group_left () slo:error_budget:ratio"},
    ]


def _record(name: str, expression: str, objective: Objective) -> Rule:
    return {"record": name, "expr": expression, "labels": {"slo": objective.name}}


def _alert(burn: BurnRate) -> Rule:
    budget = f"on (slo) group_left () ({burn.factor} * slo:error_budget:ratio)"
    least = f"on (slo) group_left () ({LEAST_FAILURES} / ({burn.factor} * {burn.hours * 3600} * slo:error_budget:ratio))"
    return {
        "alert": "PaymentsErrorBudgetBurn",
        "expr": f"slo:error_ratio:rate{burn.long} > {budget}\n"
        f"and slo:error_ratio:rate{burn.short} > {budget}\n"
        f"and slo:requests:rate{burn.long} > {least}\n",
        "labels": {"severity": burn.severity, "window": burn.long},
        "annotations": {
            "summary": f"{{{{ $labels.slo }}}}: the error budget burns more than {burn.factor} times as fast as it may.",
            "description": f"{{{{ $value | humanizePercentage }}}} of the requests of the last {burn.long} did not meet the objective"
            f"{{{{ with $labels.namespace }}}} in {{{{ . }}}}{{{{ end }}}}.",
        },
    }
