"""`payments-gateway` as a process."""

import contextlib
import http.client
import os
import subprocess
import sys
from pathlib import Path

import psutil

from process.tests.running_process import RunningProcess

ANY = "127.0.0.1:0"
NOWHERE = "127.0.0.1:1"  # for what needs no server
COMMAND = Path(sys.executable).with_name("payments-gateway")


class Gateway(RunningProcess):
    """`payments-gateway serve` on free ports, once it listens."""

    def __init__(self, *options: str, **variables: str) -> None:
        command = [str(COMMAND), "serve", "--listen", ANY, "--metrics-listen", ANY, "--server", NOWHERE, *options]
        super().__init__(command, variables)
        self.address = self.line(r"REST listening on (\S+),")[1]
        self.port = int(self.address.rpartition(":")[2])

    def ready(self, workers: int) -> list[psutil.Process]:
        started = self.workers(workers)
        self.wait_until(lambda: self.text.count("REST listening") == workers)
        return started

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def wait_until_serving(self) -> None:
        self.wait_until(self._serving)

    def _serving(self) -> bool:
        with contextlib.closing(self.connect()) as connection:
            connection.request("GET", "/status")
            return connection.getresponse().status == 200


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """`payments-gateway` with these arguments, to its end."""
    return subprocess.run([COMMAND, *arguments], env=os.environ, capture_output=True, text=True, timeout=30)
