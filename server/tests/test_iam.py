"""IAM authentication: tokens that AWS would take, a new one for each connection, and what is said where there can be none."""

import datetime
import hashlib
import hmac
import time
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest

from server.iam import CannotUseIam, IamTokens
from server.migrate import migrate
from server.tests.conftest import run as sql
from server.tests.directory import Directory
from server.tests.server_process import Server, create, run
from server.tests.tls_postgres import TlsPostgres, tls_postgres

HOST = "payments.abc123.eu-central-1.rds.amazonaws.com"
USER = "payments_iam"
RIGHT = f"postgresql://{USER}@{HOST}/payments?sslmode=verify-full"
# In the form of AWS's, and nobody's.
KEY, SECRET, SESSION = "ASIAEXAMPLEEXAMPLE00", "example/secret+of/nobody", "session/token+of/nobody=="
AWS = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": SESSION,
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
}


def hmac_sha256(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(host: str, query: dict[str, str]) -> str:
    """That of Signature Version 4 for a presigned GET ("Create a signed AWS API request" in the IAM guide), made without botocore."""
    _, day, region, service, _ = query["X-Amz-Credential"].split("/")
    sorted_query = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
    request = "\n".join(["GET", "/", sorted_query, f"host:{host}", "", "host", hashlib.sha256(b"").hexdigest()])
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac_sha256(key, part)
    return hmac_sha256(key, to_sign).hex()


def is_right(token: str, port: int) -> bool:
    """Whether RDS would take it: of its own address, for the user, in time, and signed by who may."""
    url = urlsplit(f"https://{token}")
    query = dict(parse_qsl(url.query))
    signed = query.pop("X-Amz-Signature", "")
    made = datetime.datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    age = datetime.datetime.now(datetime.UTC) - made
    return (
        url.netloc == f"{HOST}:{port}"
        and (query["Action"], query["DBUser"]) == ("connect", USER)
        and query["X-Amz-Credential"] == f"{KEY}/{made:%Y%m%d}/eu-central-1/rds-db/aws4_request"
        and query["X-Amz-Security-Token"] == SESSION
        and query["X-Amz-Expires"] == "900"
        and datetime.timedelta(0) <= age < datetime.timedelta(minutes=15)
        and hmac.compare_digest(signed, signature(url.netloc, query))
    )


class Rds:
    """A PostgreSQL known by an RDS name that takes right tokens, and the tokens that came."""

    def __init__(self, postgres: TlsPostgres, directory: Directory) -> None:
        self.owner_url = postgres.owner_url
        self.tokens = directory.passwords
        self.url = postgres.url(HOST, "hostaddr=127.0.0.1", user=USER)


@pytest.fixture(scope="module")
def rds() -> Iterator[Rds]:
    port = 0
    with Directory(lambda token: is_right(token, port)) as directory, tls_postgres((HOST,), directory.port) as postgres:
        port = postgres.port
        migrate(postgres.owner_url, USER)
        yield Rds(postgres, directory)


def test_each_connection_brings_a_new_token_that_is_right(rds: Rds) -> None:
    with Server(rds.url, "--database-iam-auth", **AWS) as server:
        server.wait_until_serving()
        assert create(server.payments).id
        before = set(rds.tokens)
        time.sleep(1.1)  # a token's time is in seconds
        sql(rds.owner_url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'payments-server'")
        server.wait_until(lambda: set(rds.tokens) - before)
        server.wait_until_serving()
        assert create(server.payments).id
        for token in set(rds.tokens):
            assert token not in server.text and SECRET not in server.text


def test_the_job_that_migrates_may_use_a_token_too(rds: Rds) -> None:
    sql(rds.owner_url, f"CREATE DATABASE job OWNER {USER}")
    done = run("migrate", "--database-iam-auth", DATABASE_URL=rds.url.replace("/postgres?", "/job?"), **AWS)
    assert done.returncode == 0, done.stderr


def test_a_token_that_postgresql_refuses_is_told_and_not_shown(rds: Rds) -> None:
    with Server(rds.url, "--database-iam-auth", **AWS | {"AWS_SECRET_ACCESS_KEY": "another"}) as server:
        assert "authentication failed" in server.line("database does not answer: .*")[0]
        assert rds.tokens[-1] not in server.text


def test_missing_credentials_are_told_by_health(rds: Rds) -> None:
    without = {name: "" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")}
    with Server(rds.url, "--database-iam-auth", **AWS | without) as server:
        assert "Unable to locate credentials" in server.line("database does not answer: .*")[0]
        with pytest.raises(Exception, match="UNAVAILABLE"):
            create(server.payments)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (RIGHT.replace("@", ":secret@"), "takes the place of a password, and DATABASE_URL has one"),
        (RIGHT.replace(f"{USER}@", ""), "needs a user in DATABASE_URL"),
        (RIGHT.replace(HOST, f"{HOST},other"), "needs one host"),
        (f"postgresql://{USER}@/payments?host=/tmp&sslmode=verify-full", "needs one host"),
        (RIGHT.replace("verify-full", "require"), "needs sslmode=verify-full"),
        (RIGHT.partition("?")[0], "needs sslmode=verify-full"),
    ],
)
def test_a_url_that_does_not_suit_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(CannotUseIam, match=said) as raised:
        IamTokens(url)
    assert "secret" not in str(raised.value)


def test_a_missing_region_or_url_ends_the_start() -> None:
    for command, url, said in (
        ("serve", RIGHT, "needs the region of the database: set AWS_REGION"),
        ("migrate", RIGHT.replace("@", ":secret@"), "takes the place of a password"),
        ("migrate", "", "needs DATABASE_URL"),
    ):
        ended = run(command, "--database-iam-auth", DATABASE_URL=url, **AWS | {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""})
        assert ended.returncode == 2 and f"--database-iam-auth {said}" in ended.stderr and "secret" not in ended.stderr, ended.stderr
