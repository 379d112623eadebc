"""RDS IAM authentication: PostgreSQL takes a token that AWS credentials have signed in place of a password.

As the guide of RDS has it, "Connecting to your DB instance using IAM authentication". A token lasts 15 minutes and is needed while a
connection opens, so each gets one of its own. Signing needs no network; credentials may, as those of a role are fetched and renewed.
"""

import os
import threading
from typing import Any

import psycopg2
from psycopg2.extensions import parse_dsn

from server.database import connection_string


class CannotUseIam(Exception):
    """The URL does not suit tokens, botocore is not installed, or no region is set; str() says which."""


class IamTokens:
    """Called, gives a new token for the host, port and user of a URL."""

    def __init__(self, url: str) -> None:
        """Raises CannotUseIam."""
        parameters = parse_dsn(connection_string(url))
        _check(parameters)
        try:
            import botocore.session  # of the extra `aws`
        except ModuleNotFoundError as error:
            raise CannotUseIam(f"needs botocore, which the extra aws of this package brings: {error}") from None
        self._address = (parameters["host"], int(parameters.get("port", 5432)), parameters["user"])
        self._session = botocore.session.get_session()
        # AWS_REGION is what EKS sets and other SDKs read; botocore reads AWS_DEFAULT_REGION and its files.
        self._region = os.environ.get("AWS_REGION") or self._session.get_config_variable("region")
        if not self._region:
            raise CannotUseIam("needs the region of the database: set AWS_REGION")
        self._client: Any = None
        self._making = threading.Lock()

    def __call__(self) -> str:
        """Raises psycopg2.OperationalError where AWS gives no credentials: that is an unavailable database like any other."""
        from botocore.exceptions import BotoCoreError

        try:
            with self._making:  # a session is not for several threads, a client is
                # Made late, as workers fork before and must not share what credentials are fetched by.
                self._client = self._client or self._session.create_client("rds", region_name=self._region)
            token: str = self._client.generate_db_auth_token(*self._address)
            return token
        except BotoCoreError as error:
            raise psycopg2.OperationalError(f"no token for IAM authentication: {error}") from error


def _check(parameters: dict[str, str]) -> None:
    if "password" in parameters:
        raise CannotUseIam("takes the place of a password, and DATABASE_URL has one")
    if "user" not in parameters:
        raise CannotUseIam("needs a user in DATABASE_URL")
    host = parameters.get("host", "")
    if not host or host.startswith("/") or "," in host:
        raise CannotUseIam("needs one host in DATABASE_URL, which the token is for")
    if parameters.get("sslmode") != "verify-full":
        raise CannotUseIam("needs sslmode=verify-full in DATABASE_URL, as anybody who gets the token can use it")
