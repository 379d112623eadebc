"""Every metric of the gateway beside those of both commands (process/metrics.py, process/vital_signs.py)."""

from collections import Counter as Counts
from collections.abc import Sequence
from functools import cache

from google.rpc import code_pb2
from prometheus_client import Counter, Gauge, Histogram

from process.access_log import Request
from process.histogram import GroupedHistogram
from process.metrics import BYTES, GROUP, REQUEST_SECONDS
from process.settling import Settling

# Routes are templates, not paths, and methods are HTTP's own, so that nobody can make more series.
UNKNOWN = "unknown"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_ROUTE = ["method", "route"]
_REQUESTS = Counter("http_requests", "Requests answered.", [*_ROUTE, "code"])
_SECONDS = GroupedHistogram("http_request_duration_seconds", "From a request's head to its answer's end.", _ROUTE, buckets=REQUEST_SECONDS)
_REQUEST_BYTES = GroupedHistogram("http_request_size_bytes", "Size of a request's body, as far as it was read.", _ROUTE, buckets=BYTES)
_RESPONSE_BYTES = GroupedHistogram("http_response_size_bytes", "Size of an answer's body, as far as it was sent.", _ROUTE, buckets=BYTES)

IN_FLIGHT = Gauge("payments_gateway_in_flight_requests", "Requests to the API being answered.", multiprocess_mode="livesum")
IN_FLIGHT_LIMIT = Gauge(
    "payments_gateway_in_flight_requests_limit", "The most at one time, --max-in-flight, of all workers.", multiprocess_mode="livesum"
)
REFUSED = Counter("payments_gateway_refused_requests", "Requests and connections refused unread.", ["reason"])
for _reason in ("in_flight", "malformed_request", "headers_too_large", "request_timeout", "too_many_connections"):
    REFUSED.labels(_reason)  # 0 from the start, so that the first refusal is an increase
GROUP_SIZE = Histogram("payments_gateway_group_size", "Calls that travel in a message to the server.", ["grpc_method"], buckets=GROUP)
# Names are those that the server has in its file of keys, so that nobody else can make more series.
_CLIENT_REQUESTS = Counter("payments_gateway_client_requests", "Requests answered, by client and HTTP status.", ["client", "status"])

# Names and labels of grpc_client_* are those of grpc-ecosystem/go-grpc-middleware.
_METHOD = ["grpc_type", "grpc_service", "grpc_method"]
_CLIENT_STARTED = Counter("grpc_client_started", "Calls begun.", _METHOD)
_CLIENT_HANDLED = Counter("grpc_client_handled", "Calls ended, by code.", [*_METHOD, "grpc_code"])
_CLIENT_SECONDS = GroupedHistogram("grpc_client_handling_seconds", "From begin to end of a call.", _METHOD, buckets=REQUEST_SECONDS)


class RouteMetrics:
    """Of the requests of one method to one route."""

    def __init__(self, method: str, route: str) -> None:
        self._labels = (method, route)
        self._codes: dict[int | str, Counter] = {}
        self._seconds = _SECONDS.labels(*self._labels)
        self._request_bytes = _REQUEST_BYTES.labels(*self._labels)
        self._response_bytes = _RESPONSE_BYTES.labels(*self._labels)

    def ended(self, requests: Sequence[Request], traces: Sequence[tuple[float, dict[str, str]]]) -> None:
        """`traces`: of those requests that belong to a recorded one, their seconds with its exemplar."""
        for code, count in Counts([request.code for request in requests]).items():
            counter = self._codes.get(code)
            if counter is None:
                counter = self._codes[code] = _REQUESTS.labels(*self._labels, code)
            counter.inc(count)
        self._request_bytes.observe_each([request.received for request in requests])
        self._response_bytes.observe_each([request.sent for request in requests])
        self._seconds.observe_each([request.seconds for request in requests], traces)


@cache
def route_metrics(method: str, route: str) -> RouteMetrics:
    """`method`: a known one; `route`: the template that a path matches, or UNKNOWN."""
    return RouteMetrics(method, route)


def known_method(method: str) -> str:
    """UNKNOWN for one that is none of HTTP's."""
    return method if method in _METHODS else UNKNOWN


class CallMetrics:
    """Of calls of one of the server's methods, bound to its labels beforehand."""

    def __init__(self, service: str, method: str) -> None:
        labels = ("unary", service, method)
        self.started = _CLIENT_STARTED.labels(*labels)
        self._handled = {number: _CLIENT_HANDLED.labels(*labels, name) for name, number in code_pb2.Code.items()}
        self._seconds = _CLIENT_SECONDS.labels(*labels)
        self._ended: Settling[tuple[int, float]] = Settling(self._settle)

    def ended(self, code: int, seconds: float) -> None:
        """`code`: of google.rpc.Code."""
        self._ended.add((code, seconds))

    def _settle(self, calls: list[tuple[int, float]]) -> None:
        for code, count in Counts([code for code, _ in calls]).items():
            self._handled[code_pb2.Code.ValueType(code)].inc(count)
        self._seconds.observe_each([seconds for _, seconds in calls])


def count_client(client: str, status: int) -> None:
    """Counts an answer with this HTTP status to a client whose name is known."""
    _client_requests(client, status).inc()


@cache
def _client_requests(client: str, status: int) -> Counter:
    return _CLIENT_REQUESTS.labels(client, status)
