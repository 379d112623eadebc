"""Somebody who clones the repository and types what a page says."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from local.stack import Ports
from tests.docs.pages import Block

DEFAULTS = Ports(rest=8080, grpc=50051, server_metrics=9464, gateway_metrics=9465)
_STARTED = "Ctrl-C stops everything"
_CHANGING = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}": "ID",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z": "TIME",
}


class Reader:
    """Types commands in a folder. Where a page says a default port, the service of this reader has one that was free."""

    def __init__(self, folder: Path, data: Path) -> None:
        self._folder = folder
        self._ports = Ports.free()
        moved = {f"PAYMENTS_{name.upper()}_PORT": str(port) for name, port in asdict(self._ports).items()}
        self._environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "VIRTUAL_ENV", "MAKEFLAGS")}
        self._environment |= moved | {"PAYMENTS_DATA_DIR": str(data), "no_proxy": "127.0.0.1"}

    def set(self, name: str, value: str) -> None:
        self._environment[name] = value

    def here(self, text: str) -> str:
        """The text with this reader's ports in place of the defaults."""
        for name, port in asdict(DEFAULTS).items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{getattr(self._ports, name)}")
        return text

    def types(self, command: str) -> str:
        """What the command prints. Fails where it ends with anything but 0."""
        done = subprocess.run(
            ["bash", "-c", self.here(command)], cwd=self._folder, env=self._environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def leaves_running(self, command: str) -> Iterator[None]:
        """Until it says how it is stopped; then it is stopped so, by Ctrl-C."""
        log = self._folder.parent / "output"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self._folder,
                env=self._environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + 240
            while _STARTED not in log.read_text():
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
        assert '"server","event":"stopped"' in log.read_text(), log.read_text()  # make itself tells its shell that it was interrupted


def commands(block: Block) -> list[str]:
    """The commands of a block, without comments and with lines that go on put together."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [command for command in (re.sub(r"\s+# .*", "", line).strip() for line in lines) if command and not command.startswith("#")]


def lasting(answer: str) -> str:
    """The answer with a word in place of each id and time."""
    for pattern, word in _CHANGING.items():
        answer = re.sub(pattern, word, answer)
    return answer.strip()
