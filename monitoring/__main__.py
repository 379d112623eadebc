"""`make dashboard`: the service with a little load, and a Prometheus that watches it; pages of graphs, and the overview's numbers here."""

import os
import sys
import time
import webbrowser
from html import escape
from pathlib import Path
from typing import NoReturn

import grpc

from local.signals import Signals, Stopped
from local.stack import CannotStart, Stack, stack, temporary_folder
from monitoring.dashboards import DASHBOARDS, OVERVIEW
from monitoring.dashboards.expressions import named, sent
from monitoring.load import Client, load
from monitoring.prometheus import Prometheus, PrometheusFailed, prometheus
from server.embedded import EmbeddedPostgresError

_INTERVAL = "1s"  # of scrapes
_WINDOW = "30s"  # of rates
_PORT = 9090


def main() -> int:
    signals = Signals()
    try:
        # In a folder of its own: what the load writes is nobody's payment.
        with temporary_folder() as folder, stack(folder, patience=signals.check) as running:
            return _watch(running, signals)
    except Stopped:
        return 0
    except (CannotStart, PrometheusFailed, EmbeddedPostgresError) as error:
        print(f"make dashboard: {error}", file=sys.stderr)
        return 1


def _watch(running: Stack, signals: Signals) -> NoReturn:
    with (
        temporary_folder() as folder,
        prometheus(folder, targets(running), _INTERVAL, int(os.environ.get("PAYMENTS_PROMETHEUS_PORT", _PORT))) as watching,
        grpc.insecure_channel(running.grpc_target) as channel,
        load(lambda: Client(running.rest_url, channel), clients=2, pause=lambda: 0.2),
    ):
        _announce(running, watching, folder / "dashboards.html")
        numbers = ""
        while True:
            signals.check()
            if not numbers:
                numbers = _numbers(watching)
                print(numbers, end="\n" if numbers else "", flush=True)
            time.sleep(0.5)


def targets(running: Stack) -> dict[str, int]:
    """What Prometheus scrapes, by the names of the jobs."""
    return {"payments-server": running.ports.server_metrics, "payments-gateway": running.ports.gateway_metrics}


def _announce(running: Stack, watching: Prometheus, page: Path) -> None:
    page.write_text(_page(watching))
    page.chmod(0o644)
    print(
        f"""
  Dashboards  {page.as_uri()}
  Prometheus  {watching.url}
  Alerts      {watching.url}/alerts
  REST        {running.rest_url}

  The numbers follow; Ctrl-C stops everything.
""",
        flush=True,
    )
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(page.as_uri())


def _page(watching: Prometheus) -> str:
    """A link for each dashboard to Prometheus' own graphs of its queries: their addresses are too long for a terminal."""
    links = []
    for each in DASHBOARDS:
        queries = [sent(query, _WINDOW) for panel in each.panels for query, _ in panel.queries]
        links.append(f'<li><a href="{escape(watching.graphs(queries))}">{escape(each.title)}</a>: {escape(each.description)}\n')
    return f"<!doctype html><title>Payments</title>\n<ul>\n{''.join(links)}</ul>\n"


def _numbers(watching: Prometheus) -> str:
    """Of the overview, as they are now; nothing as long as one is missing."""
    lines = []
    for panel in OVERVIEW.panels:
        lines.append(f"\n  {panel.title} ({panel.unit})")
        for query, legend in panel.queries:
            found = watching.query(sent(query, _WINDOW))
            if not found:
                return ""
            lines += [f"    {named(legend, series['metric']):28} {float(series['value'][1]):.4g}" for series in found]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
