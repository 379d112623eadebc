"""The addresses that a process listens on."""

from prometheus_client import start_http_server


class CannotListen(Exception):
    """An address is in use, or is none of this machine's; str() names the option that moves it."""

    def __init__(self, address: tuple[str, int], option: str, why: str | None) -> None:
        super().__init__(f"cannot listen on {address[0]}:{address[1]} ({option}): {why}")


def serve_metrics(address: tuple[str, int]) -> None:
    """Serves this process's Prometheus metrics from a thread of its own. Raises CannotListen."""
    host, port = address
    try:
        start_http_server(port, host)
    except OSError as error:
        raise CannotListen(address, "--metrics-listen", error.strerror) from error
