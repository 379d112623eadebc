"""The command `payments-server new-key`."""

import datetime

import click

from server.api_keys import NAME, SCOPES, new_key


@click.command("new-key", context_settings={"max_content_width": 140})
@click.argument("name")
@click.option("--scope", type=click.Choice(list(SCOPES)), required=True, help="What the key allows; write allows to read, too.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="The first day, in UTC, on which the key is refused.")
def create_key(name: str, scope: str, expires: datetime.datetime | None) -> None:
    """Print a new API key, which nothing keeps, and the line that tells the server of it (--api-keys-file).

    NAME is the client's: it stands in logs and metrics, and idempotency keys are unique to it.
    """
    if not NAME.fullmatch(name):
        raise click.BadParameter("must be 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit", param_hint="NAME")
    for line in new_key(name, scope, expires.date() if expires else None):
        click.echo(line)
