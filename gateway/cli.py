"""The command `payments-gateway`: every option is an environment variable too, and `--help` shows both."""

import asyncio
import logging

import click
import uvloop

from gateway import serve as serving
from gateway.settings import Settings


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT; an IPv6 host stands in brackets. Port 0 takes any free one."""

    name = "host:port"

    def convert(self, value: str | tuple[str, int], param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            self.fail(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8080", param, ctx)
        return host.removeprefix("[").removesuffix("]"), int(port)


@click.group()
@click.version_option(package_name="payments")
def main() -> None:
    """The REST gateway of the payments service."""


@main.command(context_settings={"show_default": True, "max_content_width": 140})
@click.option(
    "--listen", envvar="PAYMENTS_GATEWAY_LISTEN", show_envvar=True, type=Address(), default="127.0.0.1:8080", help="Where REST is served."
)
@click.option(
    "--metrics-listen",
    envvar="PAYMENTS_GATEWAY_METRICS_LISTEN",
    show_envvar=True,
    type=Address(),
    default="127.0.0.1:9465",
    help="Where Prometheus metrics are served.",
)
@click.option(
    "--server",
    envvar="PAYMENTS_GATEWAY_SERVER",
    show_envvar=True,
    default="127.0.0.1:50051",
    help="The gRPC server: any gRPC target, such as dns:///payments-server:50051 or ipv4:127.0.0.1:1,127.0.0.1:2.",
)
@click.option(
    "--cors-origin",
    "cors_origins",
    envvar="PAYMENTS_GATEWAY_CORS_ORIGIN",
    show_envvar=True,
    multiple=True,
    help="An origin whose pages may call the API from a browser; may be given several times. None where it is not given.",
)
@click.option(
    "--request-timeout",
    envvar="PAYMENTS_GATEWAY_REQUEST_TIMEOUT",
    show_envvar=True,
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    help="Seconds a call to the server may take; a longer one is answered with 504.",
)
@click.option(
    "--max-body",
    envvar="PAYMENTS_GATEWAY_MAX_BODY",
    show_envvar=True,
    type=click.IntRange(min=1),
    default=1 << 20,
    help="Bytes a request body may have; a larger one is answered with 413.",
)
@click.option(
    "--shutdown-delay",
    envvar="PAYMENTS_GATEWAY_SHUTDOWN_DELAY",
    show_envvar=True,
    type=click.FloatRange(min=0),
    default=0.5,
    help="Seconds between SIGTERM, which turns /readyz to 503, and the end of accepting requests.",
)
@click.option(
    "--log-level",
    envvar="PAYMENTS_GATEWAY_LOG_LEVEL",
    show_envvar=True,
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    help="The least severe log lines to write.",
)
def serve(log_level: str, **options: object) -> None:
    """Serve REST until SIGTERM or SIGINT, then finish what is in flight and exit with 0."""
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serving.serve(Settings(**options)))  # type: ignore[arg-type]  # click has converted each option
    except serving.CannotListen as error:
        raise click.ClickException(str(error)) from None
