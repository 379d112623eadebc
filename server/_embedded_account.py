"""Who the embedded PostgreSQL runs as: the user of this process, or for root, which PostgreSQL refuses, a system user of its own."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SYSTEM_USER = "payments-postgres"
_NOT_PERMITTED = 126  # as a shell has it
# Becomes the account, then the program. subprocess's own `user` takes a fork where vfork would do, and where gRPC runs a fork may end in an
# abort: gRPC's handlers start threads in the child, whose files are being closed.
_AS_ACCOUNT = f"""
import os, pwd, sys
account = pwd.getpwnam(sys.argv[1])
os.setgroups([])
os.setgid(account.pw_gid)
os.setuid(account.pw_uid)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except PermissionError as error:
    print(error)
    sys.exit({_NOT_PERMITTED})
"""


class EmbeddedPostgresError(RuntimeError):
    """PostgreSQL cannot be had here; the text says why, in words for the person who started it."""


@dataclass(frozen=True)
class Account:
    """A user to run programs as and to give folders to."""

    name: str | None  # nothing: the user of this process

    @classmethod
    def choose(cls) -> Self:
        """Adds the system user where root starts for the first time, and says so. Raises EmbeddedPostgresError."""
        if os.geteuid() != 0:
            return cls(None)
        if not _exists(SYSTEM_USER):
            print(f"PostgreSQL refuses to run as root: adding the system user {SYSTEM_USER} for it", file=sys.stderr)
            _add(SYSTEM_USER)
        return cls(SYSTEM_USER)

    @property
    def uid(self) -> int:
        return pwd.getpwnam(self.name).pw_uid if self.name else os.geteuid()

    def run(self, command: Sequence[str]) -> tuple[int, str]:
        """Runs a program to its end: exit code and what it wrote. Raises PermissionError where the account cannot reach it."""
        with tempfile.TemporaryFile("w+") as output:  # no pipe: a server that the program leaves running would hold it open for ever
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _AS_ACCOUNT, self.name, *command] if self.name else command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",  # the account may not be able to enter the current one
                start_new_session=True,  # a terminal's Ctrl-C goes to this process alone
            )
            try:
                process.wait()
            except BaseException:  # a start or stop cut short would leave a server that nobody knows of: the Ctrl-C takes effect after it
                process.wait()
                raise
            output.seek(0)
            if self.name and process.returncode == _NOT_PERMITTED:
                raise PermissionError(output.read().strip())
            return process.returncode, output.read().strip()

    def make_private(self, folder: Path) -> None:
        """Makes a folder that only the account, and root, can enter."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.name:
            shutil.chown(folder, self.name, self.name)

    def has_private(self, folder: Path) -> bool:
        """Whether that is such a folder, and no link to one."""
        try:
            found = folder.lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == self.uid and stat.S_IMODE(found.st_mode) == 0o700

    def let_through(self, folder: Path) -> None:
        """Lets the account pass our own folder, not look into it; the folders above are not ours to open. Raises EmbeddedPostgresError."""
        if self.name is None:
            return
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
        code, _ = self.run(["test", "-x", str(folder)])
        if code:
            raise EmbeddedPostgresError(
                f"the user {self.name}, which PostgreSQL runs as since it refuses root, cannot enter {folder}: "
                "set PAYMENTS_DATA_DIR to a folder whose parents others may pass, such as /var/lib/payments"
            )


def _exists(user: str) -> bool:
    with contextlib.suppress(KeyError):
        pwd.getpwnam(user)
        return True
    return False


def _add(user: str) -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/usr/sbin/nologin", user]
    try:
        added = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root, and useradd, to add the user {user} for it, is not here"
        ) from error
    if added.returncode and not _exists(user):  # two first starts at once: the other one may have added it
        raise EmbeddedPostgresError(f"cannot add the system user {user}: {added.stderr.strip()}")
