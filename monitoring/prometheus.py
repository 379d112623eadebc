"""A Prometheus of this machine, as a process, with our rules."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
import yaml

from monitoring.generate import RULES

HOST = "127.0.0.1"
START_TIMEOUT = 30  # seconds
STOP_TIMEOUT = 30


class PrometheusFailed(Exception):
    """Prometheus is not there, or does not start; str() says which and why."""


class QueryFailed(Exception):
    """Prometheus refused a query; str() is its own message."""


class Prometheus:
    """A running one. Results are Prometheus' own: a list of series, each with `metric`, its labels, and `value` or `values`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{HOST}:{port}"
        self._session = requests.Session()
        self._session.trust_env = False  # the environment's http_proxy is not for this machine itself

    def query(self, expression: str) -> list[dict[str, Any]]:
        """As of now. Raises QueryFailed."""
        return self._result("query", query=expression)

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Between two moments in seconds since 1970, every `step` seconds. Raises QueryFailed."""
        return self._result("query_range", query=expression, start=start, end=end, step=step)

    def ready(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return self._session.get(f"{self.url}/-/ready", timeout=5).status_code == 200
        return False

    def graphs(self, expressions: list[str]) -> str:
        """The address of a page with a graph of each."""
        numbered = [(f"g{number}.{name}", value) for number, each in enumerate(expressions) for name, value in self._graph(each)]
        return f"{self.url}/graph?{urlencode(numbered)}"

    @staticmethod
    def _graph(expression: str) -> list[tuple[str, str]]:
        return [("expr", expression), ("tab", "0"), ("range_input", "15m")]

    def _result(self, kind: str, **parameters: str | float) -> list[dict[str, Any]]:
        answer = self._session.post(f"{self.url}/api/v1/{kind}", data=parameters, timeout=30).json()
        if answer["status"] != "success":
            raise QueryFailed(f"{answer['error']}: {parameters['query']}")
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


@contextlib.contextmanager
def prometheus(folder: Path, targets: Mapping[str, int], interval: str, port: int | None = None) -> Iterator[Prometheus]:
    """Scrapes and evaluates every `interval`, such as 1s. `targets` are ports of this machine by the names of their jobs; `folder` gets its
    data and the file `log`.

    Raises PrometheusFailed.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise PrometheusFailed("prometheus is not installed; on Debian and Ubuntu: apt-get install prometheus")
    port = port or free_port()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(_configuration(targets, interval)))
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": _rules()}))
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        running = Prometheus(port)
        deadline = time.monotonic() + START_TIMEOUT
        while not running.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise PrometheusFailed(f"Prometheus does not start: {(folder / 'log').read_text()[-1000:]}")
            time.sleep(0.05)
        yield running
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT)


def _configuration(targets: Mapping[str, int], interval: str) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": job, "static_configs": [{"targets": [f"{HOST}:{port}"]}]} for job, port in targets.items()],
    }


def _rules() -> list[dict[str, Any]]:
    """Without intervals of their own, so that a short look has results too."""
    groups = [group for path in sorted(RULES.glob("*.yaml")) for group in yaml.safe_load(path.read_text())["groups"]]
    return [{name: value for name, value in group.items() if name != "interval"} for group in groups]


def free_port() -> int:
    """One that was free a moment ago."""
    with socket.create_server((HOST, 0)) as bound:
        return int(bound.getsockname()[1])
