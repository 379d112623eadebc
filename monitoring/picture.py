"""`make dashboard-picture`: draws the overview's panels from a Prometheus that watches the service for five minutes.

The load rises and falls; in the fourth minute PostgreSQL is stopped for ten seconds.
"""

import math
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from local.stack import stack, temporary_folder
from monitoring.__main__ import targets
from monitoring.dashboards import OVERVIEW, Panel
from monitoring.dashboards.expressions import named, sent
from monitoring.load import Client, load
from monitoring.prometheus import Prometheus, prometheus
from server import embedded

PICTURE = Path(__file__).parents[1] / "docs" / "metrics" / "overview.svg"
DURATION = 300  # seconds
OUTAGE = (200, 210)  # seconds after the begin
_STEP = 2  # seconds
_WINDOW = "15s"  # of rates
# Okabe and Ito's colours, told apart by colour-blind people too.
_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#999999"]
_UNITS = {
    "s": ("milliseconds", 1000.0),
    "percentunit": ("%", 100.0),
    "reqps": ("a second", 1.0),
    "ops": ("a second", 1.0),
    "none": ("", 1.0),
}

matplotlib.rcParams |= {
    "svg.hashsalt": "payments",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.axisbelow": True,
}


def main() -> None:
    with temporary_folder() as folder, temporary_folder() as watched, stack(folder) as running:
        begin = time.time()

        def pause() -> float:
            """From ten rounds a second and client down to two and back, about every minute and a half."""
            return 0.3 - 0.2 * math.cos((time.time() - begin) / 14)

        with (
            prometheus(watched, targets(running), "1s") as watching,
            grpc.insecure_channel(running.grpc_target) as channel,
            load(lambda: Client(running.rest_url, channel), clients=6, pause=pause),
        ):
            assert running.postgres
            _sleep_until(begin + OUTAGE[0])
            running.postgres.stop()
            _sleep_until(begin + OUTAGE[1])
            with embedded.start(folder):
                _sleep_until(begin + DURATION)
                draw(watching, begin, time.time())


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def draw(watching: Prometheus, start: float, end: float) -> None:
    """What lies between the two moments, in seconds since 1970."""
    panels = [panel for panel in OVERVIEW.panels if not panel.single]
    figure = Figure(figsize=(13, 9), layout="constrained")
    for panel, axes in zip(panels, figure.subplots(3, 3, sharex=True).flat, strict=True):
        _draw(panel, axes, watching, start, end)
    for axes in figure.axes[-3:]:
        axes.set_xlabel("minutes")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, format="svg", metadata={"Date": None, "Creator": None})
    print(f"{PICTURE} drawn", file=sys.stderr)


def _draw(panel: Panel, axes: Axes, watching: Prometheus, start: float, end: float) -> None:
    unit, factor = _UNITS[panel.unit]
    axes.set_prop_cycle(color=_COLOURS)
    for query, legend in panel.queries:
        for series in watching.query_range(sent(query, _WINDOW), start, end, _STEP):
            minutes, values = _line(series, start)
            axes.plot(minutes, [value * factor for value in values], label=named(legend, series["metric"]))
    if panel.above is not None:
        axes.axhline(panel.above * factor, color="#D55E00", linestyle="--", linewidth=0.8)
    axes.axvspan(OUTAGE[0] / 60, OUTAGE[1] / 60, color="#999999", alpha=0.3, linewidth=0)
    axes.set_title(f"{panel.title}{f', {unit}' if unit else ''}", loc="left", fontsize=10)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, loc="upper left")


def _line(series: dict[str, Any], start: float) -> tuple[list[float], list[float]]:
    return [(moment - start) / 60 for moment, _ in series["values"]], [float(value) for _, value in series["values"]]


if __name__ == "__main__":
    main()
