"""The command `payments-server`: every option is an environment variable too, and `--help` shows both."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from process.certificates import CertificateFiles, UnusableCertificates
from process.listening import CannotListen, reserve
from process.log_stream import STDOUT
from process.logs import set_up_logging
from process.options import COUNT, FILE, TIMEOUT, Address, option, usable, workers_option
from process.tracing import CannotTrace, traces, wanted
from process.workers import WorkerFailed, run_workers
from server.api_keys import InvalidKeyFile, KeyFile
from server.database_options import database, database_options
from server.grants import UnsuitableRole
from server.limits import MOST
from server.migrate import UnsuitableDatabase
from server.migrate import migrate as migrate_database
from server.new_key import create_key
from server.settings import Settings


@click.group()
@click.version_option(package_name="payments")
def main() -> None:
    """The gRPC server of the payments service."""


main.add_command(create_key)


@main.command(context_settings={"show_default": True, "max_content_width": 140})
@database_options
@option(
    "--app-role",
    "PAYMENTS_SERVER_APP_ROLE",
    "A role of PostgreSQL that gets what serving takes, no more: give its URL to serve, and the owner's to migrate.",
)
def migrate(database_url: str | None, database_iam_auth: bool, data_dir: Path | None, log_level: str, app_role: str | None) -> None:
    """Bring the database's schema up to date, then exit."""
    _log(log_level)
    with database(database_url, database_iam_auth, data_dir) as (url, password):
        try:
            migrate_database(url, app_role, password)
        except (SQLAlchemyError, UnsuitableDatabase, UnsuitableRole) as error:
            raise click.ClickException(f"cannot migrate: {str(getattr(error, 'orig', error)).strip()}") from None
    click.echo("The schema is up to date.")


@main.command(context_settings={"show_default": True, "max_content_width": 140})
@database_options
@option("--listen", "PAYMENTS_SERVER_LISTEN", "Where gRPC is served.", type=Address(), default="127.0.0.1:50051")
@option("--tls-cert", "PAYMENTS_SERVER_TLS_CERT", "Serve gRPC with TLS by this certificate (PEM, with its chain).", type=FILE)
@option(
    "--tls-key", "PAYMENTS_SERVER_TLS_KEY", "The private key of --tls-cert (PEM). Replaced files are used without a restart.", type=FILE
)
@option("--tls-client-ca", "PAYMENTS_SERVER_TLS_CLIENT_CA", "Let in only clients with a certificate of these authorities (PEM).", type=FILE)
@option(
    "--health-listen",
    "PAYMENTS_SERVER_HEALTH_LISTEN",
    "Where health (grpc.health.v1) is served, and nothing else, without TLS: for Kubernetes' probes, which have no client certificate. "
    "Nowhere where it is not given; --listen serves it too.",
    type=Address(),
)
@option(
    "--metrics-listen", "PAYMENTS_SERVER_METRICS_LISTEN", "Where Prometheus metrics are served.", type=Address(), default="127.0.0.1:9464"
)
@workers_option("PAYMENTS_SERVER_WORKERS")
@option("--pool-size", "PAYMENTS_SERVER_POOL_SIZE", "Connections to the database, each with a thread.", type=COUNT, default=8)
@option(
    "--request-timeout",
    "PAYMENTS_SERVER_REQUEST_TIMEOUT",
    "The longest deadline of a call, in seconds; a client's own may be shorter.",
    type=TIMEOUT,
    default=10.0,
)
@option(
    "--max-in-flight",
    "PAYMENTS_SERVER_MAX_IN_FLIGHT",
    "Calls at one time; one more is answered with RESOURCE_EXHAUSTED.",
    type=COUNT,
    default=1024,
)
@option("--max-connections", "PAYMENTS_SERVER_MAX_CONNECTIONS", "Open connections; one more is closed at once.", type=COUNT, default=10_000)
@option(
    "--max-connection-age",
    "PAYMENTS_SERVER_MAX_CONNECTION_AGE",
    "Seconds until a client is asked to connect anew, a tenth more or less, when it finds servers that were added. Its calls finish.",
    type=click.FloatRange(min=0.1),
    default=1800.0,
)
@option(
    "--receive-timeout",
    "PAYMENTS_SERVER_RECEIVE_TIMEOUT",
    "Seconds the message of a call may take to come; then the call is cancelled.",
    type=TIMEOUT,
    default=30.0,
)
@option(
    "--send-timeout",
    "PAYMENTS_SERVER_SEND_TIMEOUT",
    "Seconds an answer may wait to be taken; then the call is cancelled.",
    type=TIMEOUT,
    default=30.0,
)
@option(
    "--max-unread",
    "PAYMENTS_SERVER_MAX_UNREAD",
    "Bytes of answers that wait to be taken; beyond them the call that has waited longest is cancelled.",
    type=click.IntRange(min=4 << 20),
    default=128 << 20,
)
@option("--max-message-size", "PAYMENTS_SERVER_MAX_MESSAGE_SIZE", "Bytes of a request message.", type=COUNT, default=4 << 20)
@option(
    "--max-metadata",
    "PAYMENTS_SERVER_MAX_METADATA",
    "Bytes of the metadata of a call; a call with more is RESOURCE_EXHAUSTED.",
    type=click.IntRange(min=8 << 10),
    default=16 << 10,
)
@option(
    "--max-page",
    "PAYMENTS_SERVER_MAX_PAGE",
    "Payments of a page, whatever page_size asks for.",
    type=click.IntRange(1, MOST.page),
    default=MOST.page,
)
@option(
    "--max-page-bytes",
    "PAYMENTS_SERVER_MAX_PAGE_BYTES",
    "Bytes beyond which a page ends.",
    type=click.IntRange(1, MOST.page_bytes),
    default=MOST.page_bytes,
)
@option(
    "--max-batch",
    "PAYMENTS_SERVER_MAX_BATCH",
    "Payments of a batch; a larger one is INVALID_ARGUMENT.",
    type=click.IntRange(1, MOST.batch),
    default=MOST.batch,
)
@option(
    "--max-batch-bytes",
    "PAYMENTS_SERVER_MAX_BATCH_BYTES",
    "Bytes of a batch, numbers written out; a larger one is INVALID_ARGUMENT.",
    type=click.IntRange(1, MOST.batch_bytes),
    default=MOST.batch_bytes,
)
@option(
    "--max-depth",
    "PAYMENTS_SERVER_MAX_DEPTH",
    "Levels of objects and arrays in a payment's data; deeper is INVALID_ARGUMENT.",
    type=click.IntRange(1, MOST.depth),
    default=MOST.depth,
)
@option(
    "--shutdown-delay",
    "PAYMENTS_SERVER_SHUTDOWN_DELAY",
    "Seconds between SIGTERM, which turns readiness to NOT_SERVING, and the end of accepting calls.",
    type=click.FloatRange(min=0),
    default=0.5,
)
@option(
    "--api-keys-file",
    "PAYMENTS_SERVER_API_KEYS_FILE",
    "The API keys that callers need, as `payments-server new-key` prints them, a line each; read again when it changes. Without it the "
    "service is open to everybody.",
    type=FILE,
)
@option("--reflection", "PAYMENTS_SERVER_REFLECTION", "Serve reflection, which needs no key, also where API keys are needed.", is_flag=True)
def serve(
    database_url: str | None,
    database_iam_auth: bool,
    data_dir: Path | None,
    log_level: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    api_keys_file: Path | None,
    **options: Any,
) -> None:
    """Serve gRPC until SIGTERM or SIGINT, then finish what is in flight and exit with 0."""
    _log(log_level)
    tls = _tls(tls_cert, tls_key, tls_client_ca)
    api_keys = _api_keys(api_keys_file)
    with database(database_url, database_iam_auth, data_dir) as (url, password):
        settings = Settings(database_url=url, database_password=password, tls=tls, api_keys=api_keys, **options)
        try:
            wanted()  # an error now, not in each worker
            with _shared_health(settings) as settings:
                run_workers(
                    settings.workers, settings.listen, settings.metrics_listen, lambda address: _serve(replace(settings, listen=address))
                )
        except (CannotListen, CannotTrace, WorkerFailed, UnusableCertificates) as error:
            raise click.ClickException(str(error)) from None


def _tls(certificate: Path | None, key: Path | None, client_ca: Path | None) -> CertificateFiles | None:
    """The files, which can be read now; None for no TLS."""
    if (certificate is None) != (key is None):
        raise click.UsageError("--tls-cert and --tls-key need each other")
    if certificate is None:
        if client_ca:
            raise click.UsageError("--tls-client-ca needs --tls-cert and --tls-key")
        return None
    return usable(CertificateFiles(certificate, key, client_ca))


@contextlib.contextmanager
def _shared_health(settings: Settings) -> Iterator[Settings]:
    """Workers share the health port too. Raises CannotListen."""
    if settings.workers == 1 or settings.health_listen is None:
        yield settings
        return
    with reserve(settings.health_listen, "--health-listen") as reserved:
        yield replace(settings, health_listen=(settings.health_listen[0], int(reserved.getsockname()[1])))


def _serve(settings: Settings) -> None:
    from server.serve import serve  # here, as a fork may come before and gRPC does not survive one

    with STDOUT.buffered(), traces("payments-server"):
        uvloop.run(serve(settings))


def _api_keys(path: Path | None) -> KeyFile | None:
    if path is None:
        logging.getLogger("server").warning("no --api-keys-file: everybody who reaches the service may use it")
        return None
    try:
        return KeyFile(path)
    except InvalidKeyFile as error:
        raise click.UsageError(f"--api-keys-file: {error}") from None


def _log(level: str) -> None:
    set_up_logging(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
