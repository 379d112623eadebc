"""A real Prometheus scrapes the service under load: every query of dashboards and rules is one that it takes, and has data."""

import contextlib
import json
import math
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import psycopg2
import pytest
import yaml

from gateway.tests.gateway_process import Gateway
from local.stack import Ports, temporary_folder
from monitoring.dashboards.expressions import sent
from monitoring.generate import COMPONENT, RULES
from monitoring.load import Client, load
from monitoring.prometheus import Prometheus, QueryFailed, prometheus
from process.tests.authority import Authority
from server import embedded
from server.api_keys import new_key
from server.tests.server_process import Server, run

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus, Debian's package, is not installed")

PATIENCE = 60  # seconds; it takes about five
WINDOW = "1m"  # of rates: as many scrapes as Grafana makes it
DASHBOARDS = sorted((COMPONENT / "dashboards").glob("*.json"))
RULES_OF_ALL = [
    rule for path in sorted(RULES.glob("*.yaml")) for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]
]
SELECTOR = re.compile(r"\b(?:up|(?:slo:|(?:asyncio|payments|http|grpc)_)[a-z0-9_:]+)\b(?:\{[^}]*\})?")


@pytest.fixture(scope="module")
def postgres() -> Iterator[embedded.EmbeddedPostgres]:
    with temporary_folder() as folder, embedded.start(folder) as started:
        yield started


@pytest.fixture(scope="module")
def watching(postgres: embedded.EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """With TLS between the two, and API keys, whose metrics are otherwise missing; under load."""
    folder = tmp_path_factory.mktemp("watched")
    ports = Ports.free()
    authority = Authority(folder)
    certificate, key = (str(path) for path in authority.issue("both"))
    secret, line = new_key("shop", "write", None)
    (folder / "keys").write_text(f"{line}\n")
    assert run("migrate", DATABASE_URL=postgres.url).returncode == 0
    with contextlib.ExitStack() as started:
        server = started.enter_context(
            Server(
                postgres.url,
                *("--tls-cert", certificate, "--tls-key", key, "--api-keys-file", str(folder / "keys")),
                *("--metrics-listen", f"127.0.0.1:{ports.server_metrics}"),
            )
        )
        gateway = started.enter_context(
            Gateway(
                *("--server", server.target, "--server-ca", str(authority.ca), "--server-cert", certificate, "--server-key", key),
                *("--api-keys", "--metrics-listen", f"127.0.0.1:{ports.gateway_metrics}"),
            )
        )
        channel = started.enter_context(grpc.secure_channel(server.target, grpc.ssl_channel_credentials(authority.ca.read_bytes())))
        targets = {"payments-server": ports.server_metrics, "payments-gateway": ports.gateway_metrics}
        running = started.enter_context(prometheus(folder, targets, "1s"))
        headers = {"Authorization": f"Bearer {secret}"}
        started.enter_context(load(lambda: Client(f"http://{gateway.address}", channel, headers), clients=2))
        _lose_connections(postgres.url)
        yield running


def _lose_connections(url: str) -> None:
    """So that statements are sent again."""
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def missing(watching: Prometheus, expressions: set[str]) -> set[str]:
    """Those that stay without a value that is a number. Raises QueryFailed."""

    def found(expression: str) -> bool:
        return any(math.isfinite(float(series["value"][1])) for series in watching.query(expression))

    left = set(expressions)

    def none_left() -> bool:
        left.difference_update([each for each in left if found(each)])
        return not left

    until(none_left)
    return left


def queries(path: Path) -> set[str]:
    """A dashboard's."""
    panels: list[dict[str, Any]] = json.loads(path.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    assert len(expressions) >= len([panel for panel in panels if panel["type"] != "row"]) > 0
    return {sent(each, WINDOW) for each in expressions}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_has_data(watching: Prometheus, path: Path) -> None:
    assert not missing(watching, queries(path))


def test_every_recording_rule_has_data(watching: Prometheus) -> None:
    recorded = [rule for rule in RULES_OF_ALL if "record" in rule]
    assert not missing(watching, {rule["expr"] for rule in recorded})
    assert not missing(watching, {f'{rule["record"]}{{slo=~"{rule.get("labels", {}).get("slo", ".+")}"}}' for rule in recorded})


def test_every_alert_is_about_series_that_are_there(watching: Prometheus) -> None:
    """An alert's own query has none as long as all is well."""
    alerts = [rule["expr"] for rule in RULES_OF_ALL if "alert" in rule]
    for expression in alerts:
        watching.query(expression)
    selectors = {selector for expression in alerts for selector in SELECTOR.findall(expression)}
    assert len(selectors) > 15
    assert not missing(watching, selectors)


def test_what_is_no_query_is_told(watching: Prometheus) -> None:
    with pytest.raises(QueryFailed, match="parse error"):
        watching.query("sum by (rate(")


def test_a_quiet_service_has_no_alert(watching: Prometheus) -> None:
    assert not watching.query('ALERTS{alertstate="firing"}')


def test_a_database_that_stops_is_an_alert_that_waits_for_its_minute(watching: Prometheus, postgres: embedded.EmbeddedPostgres) -> None:
    postgres.stop()
    assert until(lambda: bool(watching.query('ALERTS{alertname="PaymentsDatabaseAway",alertstate="pending"}')))
