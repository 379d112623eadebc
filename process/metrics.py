"""Prometheus metrics over HTTP: those of this process, or of several added up; and what the metrics of both commands have in common."""

import platform
from importlib.metadata import version

from prometheus_client import REGISTRY, CollectorRegistry, Gauge, disable_created_metrics, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from process.certificate_end import end
from process.certificates import Certificates
from process.listening import Address, CannotListen
from process.trace_context import sampled_trace

# Buckets' upper bounds. Those of requests have one at 300 ms, the objective's.
REQUEST_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BYTES = (256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20)
GROUP = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)

disable_created_metrics()  # type: ignore[no-untyped-call]  # as many series again, which Prometheus does not use

# A gauge, as prometheus_client has no Info where there are several processes.
_BUILD = Gauge(
    "payments_build_info", "Always 1; the labels say what runs.", ["component", "version", "python", "grpc"], multiprocess_mode="max"
)

_CERTIFICATE_END = Gauge(
    "payments_certificate_expiry_timestamp_seconds",
    "When the certificate that the process shows ends, in seconds since 1970. None without TLS, or where it shows none.",
    ["component"],
    multiprocess_mode="min",
)


def note_certificate(component: str, certificates: Certificates) -> None:
    """The certificate that `server` or `gateway` shows from now on."""
    if certificates.certificate:
        _CERTIFICATE_END.labels(component).set(end(certificates.certificate))


def note_build(component: str) -> None:
    """To be called by the process that serves, `server` or `gateway`."""
    _BUILD.labels(component, version("payments"), platform.python_version(), version("grpcio")).set(1)


def exemplar(traceparent: str) -> dict[str, str] | None:
    """Of a request of this W3C trace context, empty for none: its trace, where that is recorded."""
    trace = sampled_trace(traceparent) if traceparent else ""
    return {"trace_id": trace} if trace else None


def serve_metrics(address: Address, folder: str | None = None) -> None:
    """Serves metrics from a thread of its own: this process's, or the sums over all that write to `folder`. Raises CannotListen.

    A process writes to the folder if PROMETHEUS_MULTIPROC_DIR named it when prometheus_client was imported. Counters, histograms and
    summaries are added up; a gauge says by its multiprocess_mode what becomes of it. Such a process has no exemplars, no Info and Enum,
    no `_created` samples and no collectors of its own; so process_* and python_* are missing, too.
    """
    registry = REGISTRY
    if folder:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
    host, port = address
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise CannotListen(address, "--metrics-listen", error.strerror) from error
