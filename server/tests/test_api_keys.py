"""API keys: how one is made, and the file of them, also when it changes."""

import asyncio
import contextlib
import datetime
import hashlib
import logging
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import click
import pytest

from server.api_keys import InvalidKeyFile, KeyFile, new_key, parse
from server.cli import _api_keys
from server.tests.server_process import run

DIGEST = "0123456789abcdef" * 4
TODAY = datetime.datetime.now(datetime.UTC).date()
DAY = datetime.timedelta(days=1)


@pytest.mark.parametrize("options", [(), ("--expires", "2099-12-31")])
def test_the_command_prints_a_key_and_its_line(options: tuple[str, ...]) -> None:
    made = run("new-key", "orders-1", "--scope", "write", *options)
    assert made.returncode == 0, made.stderr
    key, line = made.stdout.splitlines()
    assert re.fullmatch(r"payments_[0-9a-f]{64}", key)
    assert line == ":".join(["orders-1", "write", hashlib.sha256(key.encode()).hexdigest(), *options[1:]])
    assert run("new-key", "orders-1", "--scope", "write").stdout.splitlines()[0] != key


@pytest.mark.parametrize(
    "arguments", [("a:b", "--scope", "read"), ("", "--scope", "read"), ("a" * 65, "--scope", "read"), ("a",), ("a", "--scope", "all")]
)
def test_the_command_refuses_what_the_file_cannot_have(arguments: tuple[str, ...]) -> None:
    refused = run("new-key", *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")


def test_write_implies_read() -> None:
    for scopes, allowed in {"read": {"read"}, "write": {"read", "write"}, "read,write": {"read", "write"}}.items():
        (key,) = parse(f"a:{scopes}:{DIGEST}").values()
        assert (key.client, key.scopes) == ("a", allowed)


@pytest.mark.parametrize(("expires", "expired"), [(TODAY - DAY, True), (TODAY, True), (TODAY + DAY, False), (None, False)])
def test_a_key_ends_with_the_beginning_of_its_day(expires: datetime.date | None, expired: bool) -> None:
    (key,) = parse(new_key("a", "read", expires)[1]).values()
    assert key.expired is expired


def test_a_client_may_have_two_keys_and_lines_may_be_comments() -> None:
    text = f"# of 2026\r\n\n  a:read:{DIGEST}  \na:write:{DIGEST[::-1]}:2099-01-01"
    assert [key.client for key in parse(text).values()] == ["a", "a"]
    assert parse("") == parse("# nobody\n") == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("a", "NAME:SCOPES:SHA256"),
        (f"a:read:{DIGEST}:2099-01-01:x", "NAME:SCOPES:SHA256"),
        (f":read:{DIGEST}", "name"),
        (f"a b:read:{DIGEST}", "name"),
        (f"é:read:{DIGEST}", "name"),
        (f"{'a' * 65}:read:{DIGEST}", "name"),
        (f"a::{DIGEST}", "scopes"),
        (f"a:read,:{DIGEST}", "scopes"),
        (f"a:admin:{DIGEST}", "scopes"),
        (f"a:read:{DIGEST[:-1]}", "SHA-256"),
        (f"a:read:{DIGEST.upper()}", "SHA-256"),
        (f"a:read:payments_{DIGEST}", "SHA-256"),
        (f"a:read:{DIGEST}:", "date"),
        (f"a:read:{DIGEST}:tomorrow", "date"),
        (f"a:read:{DIGEST}:2026-02-30", "date"),
        (f"b:write:{DIGEST[::-1]}", "twice"),
    ],
)
def test_a_bad_line_is_named_and_not_quoted(tmp_path: Path, line: str, fault: str) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# keys\nc:read:{DIGEST[::-1]}\n\n{line}\n")
    with pytest.raises(InvalidKeyFile, match=rf"keys, line 4: .*{fault}") as raised:
        KeyFile(file)
    assert DIGEST not in str(raised.value) and DIGEST.upper() not in str(raised.value)
    with pytest.raises(click.UsageError) as refused:
        _api_keys(file)
    assert refused.value.exit_code == 2
    assert f"{file}, line 4: " in refused.value.format_message()


def test_a_bad_line_ends_the_start(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# keys\nc:read:{DIGEST[::-1]}\n\na:admin:{DIGEST}\n")
    refused = run("serve", "--api-keys-file", str(file), DATABASE_URL="postgresql://h/d")
    assert refused.returncode == 2
    assert f"{file}, line 4: " in refused.stderr.splitlines()[-1]
    assert DIGEST not in refused.stderr


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    refused = run("serve", DATABASE_URL="postgresql://h/d", PAYMENTS_SERVER_API_KEYS_FILE=str(tmp_path / "nothing"))
    assert refused.returncode == 2
    assert f"{tmp_path}/nothing cannot be read: No such file" in refused.stderr.splitlines()[-1]
    (tmp_path / "large").write_bytes(b"#" * (2 << 20))
    with pytest.raises(InvalidKeyFile, match="larger than"):
        KeyFile(tmp_path / "large")


class Watched:
    """A file of keys while it is watched."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first, self.line = new_key("first", "read", None)
        self.second, self.other_line = new_key("second", "read", None)
        path.write_text(self.line)
        self.keys = KeyFile(path)

    def clients(self) -> list[str]:
        return [key.client for each in (self.first, self.second) if (key := self.keys.find(each))]

    async def until(self, clients: list[str]) -> None:
        async with asyncio.timeout(1.5):
            while self.clients() != clients:
                await asyncio.sleep(0.01)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """Behind the symbolic links that Kubernetes makes of a secret."""
    (tmp_path / "..1").mkdir()
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "keys").symlink_to("..data/keys")
    watched = Watched(tmp_path / "keys")
    watching = asyncio.ensure_future(watched.keys.watch())
    yield watched
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


def rewrite(path: Path, text: str) -> None:
    path.write_text(text)


def rename(path: Path, text: str) -> None:
    new = path.with_name("new")
    new.write_text(text)
    os.replace(new, path)


def switch(path: Path, text: str) -> None:
    """As Kubernetes updates a mounted secret: the link ..data leads to another folder."""
    folder = path.with_name("..2")
    folder.mkdir()
    (folder / "keys").write_text(text)
    (folder / "link").symlink_to("..2")
    os.replace(folder / "link", path.with_name("..data"))


@pytest.mark.parametrize("replace", [rewrite, rename, switch])
async def test_a_new_version_counts_within_a_second(watched: Watched, replace: Callable[[Path, str], None]) -> None:
    assert watched.clients() == ["first"]
    replace(watched.path, watched.other_line)
    await watched.until(["second"])


async def test_a_file_without_keys_lets_nobody_in(watched: Watched) -> None:
    rewrite(watched.path, "")
    await watched.until([])


async def test_a_broken_version_is_logged_once_and_leaves_the_one_before_in_force(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    rewrite(watched.path, f"{watched.other_line}\nsecond:read:{watched.second}")
    await asyncio.sleep(1.5)
    assert watched.clients() == ["first"]
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "keys, line 2: " in record.getMessage() and "stay in force" in record.getMessage()
    watched.path.unlink()
    await asyncio.sleep(1)
    assert watched.clients() == ["first"]
    assert "cannot be read" in caplog.text
    rewrite(watched.path, watched.other_line)
    await watched.until(["second"])
    assert watched.second not in caplog.text and watched.first not in caplog.text


async def test_a_version_that_is_being_written_does_not_count(watched: Watched) -> None:
    with watched.path.open("w", buffering=1) as file:
        for _ in range(20):
            await asyncio.sleep(0.1)
            print("# more is to come", file=file)
            assert watched.clients() == ["first"]
        print(watched.line, watched.other_line, sep="\n", file=file)
    await watched.until(["first", "second"])
