"""Prometheus metrics over HTTP: those of this process, or of several added up."""

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from process.listening import Address, CannotListen


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
