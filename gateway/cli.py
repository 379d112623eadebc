"""The command `payments-gateway`: every option is an environment variable too, and `--help` shows both."""

from dataclasses import replace
from pathlib import Path

import click
import uvloop

from gateway.settings import Settings
from process.certificates import CertificateFiles, UnusableCertificates
from process.listening import CannotListen
from process.log_stream import STDOUT
from process.logs import set_up_logging
from process.options import COUNT, FILE, TIMEOUT, Address, log_level_option, option, usable, workers_option
from process.tracing import CannotTrace, traces, wanted
from process.workers import WorkerFailed, run_workers


@click.group()
@click.version_option(package_name="payments")
def main() -> None:
    """The REST gateway of the payments service."""


@main.command(context_settings={"show_default": True, "max_content_width": 140})
@option("--listen", "PAYMENTS_GATEWAY_LISTEN", "Where REST is served.", type=Address(), default="127.0.0.1:8080")
@option(
    "--metrics-listen", "PAYMENTS_GATEWAY_METRICS_LISTEN", "Where Prometheus metrics are served.", type=Address(), default="127.0.0.1:9465"
)
@workers_option("PAYMENTS_GATEWAY_WORKERS")
@option(
    "--server",
    "PAYMENTS_GATEWAY_SERVER",
    "The gRPC server: any gRPC target, such as dns:///payments-server:50051 or ipv4:127.0.0.1:1,127.0.0.1:2.",
    default="127.0.0.1:50051",
)
@option(
    "--server-ca",
    "PAYMENTS_GATEWAY_SERVER_CA",
    "Call the server with TLS; its certificate has to be of these authorities (PEM) and name the host of --server.",
    type=FILE,
)
@option("--server-cert", "PAYMENTS_GATEWAY_SERVER_CERT", "The certificate to show to the server (PEM, with its chain).", type=FILE)
@option(
    "--server-key",
    "PAYMENTS_GATEWAY_SERVER_KEY",
    "The private key of --server-cert (PEM). Replaced files are used without a restart.",
    type=FILE,
)
@option(
    "--server-name",
    "PAYMENTS_GATEWAY_SERVER_NAME",
    "The host that the server's certificate has to name, where --server is several addresses; else it is the host of --server.",
)
@option(
    "--api-keys",
    "PAYMENTS_GATEWAY_API_KEYS",
    "The server asks for API keys: the documentation tells of them, log and metrics name the clients. Keys are passed on in any case.",
    is_flag=True,
)
@option(
    "--cors-origin",
    "PAYMENTS_GATEWAY_CORS_ORIGIN",
    "An origin whose pages may call the API from a browser; may be given several times. None where it is not given.",
    multiple=True,
)
@option(
    "--request-timeout",
    "PAYMENTS_GATEWAY_REQUEST_TIMEOUT",
    "Seconds a call to the server may take; a longer one is answered with 504.",
    type=TIMEOUT,
    default=10.0,
)
@option(
    "--max-body",
    "PAYMENTS_GATEWAY_MAX_BODY",
    "Bytes a request body may have; a larger one is answered with 413.",
    type=COUNT,
    default=1 << 20,
)
@option(
    "--max-in-flight", "PAYMENTS_GATEWAY_MAX_IN_FLIGHT", "Requests at one time; one more is answered with 429.", type=COUNT, default=1024
)
@option(
    "--receive-timeout",
    "PAYMENTS_GATEWAY_RECEIVE_TIMEOUT",
    "Seconds a request, head and body, may take to come; a slower one is answered with 408, and the connection closed.",
    type=TIMEOUT,
    default=30.0,
)
@option(
    "--send-timeout",
    "PAYMENTS_GATEWAY_SEND_TIMEOUT",
    "Seconds for a client that does not keep up to take what waits for it; then the connection is reset.",
    type=TIMEOUT,
    default=30.0,
)
@option(
    "--max-connections",
    "PAYMENTS_GATEWAY_MAX_CONNECTIONS",
    "Open connections; one more is answered with 503 and closed.",
    type=COUNT,
    default=20_000,
)
@option(
    "--max-unread",
    "PAYMENTS_GATEWAY_MAX_UNREAD",
    "Bytes of answers that wait for clients who do not take them; beyond them the connection that has waited longest is reset.",
    type=click.IntRange(min=4 << 20),
    default=128 << 20,
)
@option(
    "--max-head",
    "PAYMENTS_GATEWAY_MAX_HEAD",
    "Bytes of a request's line and header fields; a larger one is answered with 431.",
    type=click.IntRange(min=1024),
    default=32 << 10,
)
@option(
    "--max-header-fields",
    "PAYMENTS_GATEWAY_MAX_HEADER_FIELDS",
    "Header fields of a request; one more is answered with 431.",
    type=click.IntRange(min=8),
    default=100,
)
@option(
    "--shutdown-delay",
    "PAYMENTS_GATEWAY_SHUTDOWN_DELAY",
    "Seconds between SIGTERM, which turns /readyz to 503, and the end of accepting requests.",
    type=click.FloatRange(min=0),
    default=0.5,
)
@log_level_option("PAYMENTS_GATEWAY_LOG_LEVEL")
def serve(
    log_level: str,
    cors_origin: tuple[str, ...],
    server_ca: Path | None,
    server_cert: Path | None,
    server_key: Path | None,
    server_name: str | None,
    **options: object,
) -> None:
    """Serve REST until SIGTERM or SIGINT, then finish what is in flight and exit with 0."""
    set_up_logging(log_level)
    tls = _tls(server_ca, server_cert, server_key)
    if server_name and not tls:
        raise click.UsageError("--server-name needs --server-ca, without which there is no TLS")
    settings = Settings(cors_origins=cors_origin, tls=tls, server_name=server_name, **options)  # type: ignore[arg-type]  # click has converted each option
    try:
        wanted()  # an error now, not in each worker
        run_workers(settings.workers, settings.listen, settings.metrics_listen, lambda address: _serve(replace(settings, listen=address)))
    except (CannotListen, CannotTrace, WorkerFailed, UnusableCertificates) as error:
        raise click.ClickException(str(error)) from None


def _tls(ca: Path | None, certificate: Path | None, key: Path | None) -> CertificateFiles | None:
    """The files, which can be read now; None for no TLS."""
    if (certificate is None) != (key is None):
        raise click.UsageError("--server-cert and --server-key need each other")
    if ca is None:
        if certificate:
            raise click.UsageError("--server-cert needs --server-ca, without which there is no TLS")
        return None
    return usable(CertificateFiles(certificate, key, ca))


def _serve(settings: Settings) -> None:
    from gateway.serve import serve  # here, as a fork may come before and gRPC does not survive one

    with STDOUT.buffered(), traces("payments-gateway"):
        uvloop.run(serve(settings))
