"""The plots of a report, as SVG to be put into its page."""

import io
import re
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from loadtest.charts import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY
from loadtest.report.observed import Observed
from loadtest.report.summary import Summary

_LINES = (BLUE, ORANGE, GREEN, PURPLE, SKY)
_WIDTH = 9.0  # inches


def latency(summary: Summary) -> str:
    """Over time."""
    figure, axes = _figure(3.2)
    timeline = summary.timeline
    for (percent, found), colour in zip(timeline.latencies.items(), (BLUE, ORANGE, RED), strict=True):
        marker = "o" if len(found) < 30 else None
        axes.plot(timeline.moments, [_gap(each) for each in found], color=colour, label=f"p{percent}", marker=marker, markersize=3)
    _logarithmic(axes)
    _describe(axes, f"{summary.api}: latency of accepted requests, from when they were due", "milliseconds")
    return _svg(figure)


def percentiles(summaries: Sequence[Summary]) -> str:
    """Of all accepted requests of each API."""
    figure, axes = _figure(3.2)
    for summary, colour in zip(summaries, _LINES, strict=False):
        found = summary.total.percentiles
        axes.plot(list(found), list(found.values()), color=colour, marker="o", label=summary.api)
    _logarithmic(axes)
    _describe(axes, "Latency by percentile", "milliseconds", "percent of accepted requests that took no longer")
    return _svg(figure)


def throughput(summary: Summary) -> str:
    """Against what was offered."""
    figure, axes = _figure(3.2)
    timeline = summary.timeline
    axes.plot(timeline.moments, timeline.offered, color=GREY, linestyle=":", linewidth=2, label="offered")
    axes.plot(timeline.moments, timeline.accepted, color=BLUE, label="accepted")
    failed = [sum(each) for each in zip(*timeline.failed.values(), strict=True)]
    if failed:
        axes.plot(timeline.moments, failed, color=RED, label="failed or not sent")
    axes.set_ylim(bottom=0)
    _describe(axes, f"{summary.api}: requests offered and accepted", "requests a second")
    return _svg(figure)


def errors(summary: Summary) -> str:
    """Over time, by what they were; nothing where there were none."""
    failed = summary.timeline.failed
    if not failed:
        return ""
    figure, axes = _figure(2.6)
    below = [0.0] * len(summary.timeline.moments)
    for (outcome, counts), colour in zip(failed.items(), (RED, ORANGE, PURPLE, SKY, GREEN, GREY) * len(failed), strict=False):
        axes.bar(summary.timeline.moments, counts, width=summary.timeline.width * 0.9, bottom=below, color=colour, label=outcome)
        below = [sum(pair) for pair in zip(below, counts, strict=True)]
    _describe(axes, f"{summary.api}: requests that failed, by code", "requests a second")
    return _svg(figure)


def processes(observed: Sequence[Observed]) -> str:
    """CPU and memory of the service's processes, and what they answered; nothing where none was looked at."""
    seen = [each for each in observed if len(each.samples) > 1]
    if not seen:
        return ""
    figure = Figure(figsize=(_WIDTH, 6.4), layout="constrained")
    answered, cpu, memory = figure.subplots(3, 1, sharex=True)
    for each, colour in zip(seen, _LINES, strict=False):
        answered.plot(*each.rates("answered"), color=colour, label=each.component)
        cpu.plot(*each.rates("cpu"), color=colour, label=each.component)
        memory.plot([look.moment for look in each.samples], [look.resident for look in each.samples], color=colour, label=each.component)
    for axes in (answered, cpu, memory):
        axes.set_ylim(bottom=0)
    _describe(answered, "Requests that the processes answered, by their own metrics", "a second", "")
    _describe(cpu, "CPU of the processes", "cores", "")
    _describe(memory, "Memory of the processes", "MiB")
    return _svg(figure)


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _logarithmic(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _describe(axes: Axes, title: str, unit: str, below: str = "seconds from the begin") -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_ylabel(unit)
    axes.set_xlabel(below)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)


def _gap(value: float | None) -> float:
    return float("nan") if value is None else value


def _svg(figure: Figure) -> str:
    """The element alone. Its ids are made different from those of the page's other plots."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    title = figure.axes[0].get_title(loc="left")
    prefix = re.sub(r"\W+", "-", title)
    text = text[text.index("<svg") :]
    text = re.sub(r'(\bid="|href="#|url\(#)', lambda found: f"{found[1]}{prefix}-", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
