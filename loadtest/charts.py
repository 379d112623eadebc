"""Draws reports as SVG: the same figures give the same file."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.cost import PARTS
from loadtest.growth import MOST, Size
from loadtest.saturation import Curve
from loadtest.scenario import Measurement

# Okabe and Ito's colours, told apart by colour-blind people too.
BLUE, ORANGE, GREEN, RED, GREY, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999", "#CC79A7", "#56B4E9"
_PART_COLOURS = dict(zip(PARTS, (BLUE, ORANGE, GREEN), strict=True))
_LONG = 10_000  # microseconds of CPU: what takes longer would leave nothing to see of the rest

matplotlib.rcParams |= {"svg.hashsalt": "payments", "svg.fonttype": "none", "font.family": "sans-serif", "axes.axisbelow": True}


def throughput(results: Sequence[Measurement], path: Path) -> None:
    figure, axes = _figure(0.5 * len(results) + 1.6)
    rates = [result.rate for result in results]
    bars = axes.barh([result.title for result in results], rates, color=BLUE)
    axes.bar_label(bars, [_speed(result) for result in results], padding=4)
    axes.set_xlim(0, max(rates) * 1.8)
    _horizontal(axes, "Throughput and latency with everything on one machine", "requests a second")
    _save(figure, path)


def _speed(result: Measurement) -> str:
    latency = "" if result.p50 is None else f",  p50 {result.p50:,.1f} ms,  p99 {result.p99:,.1f} ms"
    return f"{result.rate:,.{0 if result.rate >= 100 else 1}f}{latency}"


def cpu(results: Sequence[Measurement], path: Path) -> None:
    drawn = [result for result in results if result.cpu_in_all < _LONG]
    figure, axes = _figure(0.5 * len(drawn) + 1.9)
    left = [0.0] * len(drawn)
    for part in PARTS:
        widths = [result.cpu[part] for result in drawn]
        bars = axes.barh([result.title for result in drawn], widths, left=left, color=_PART_COLOURS[part], label=part)
        left = [sum(pair) for pair in zip(left, widths, strict=True)]
    if drawn:
        axes.bar_label(bars, [f"{result.cpu_in_all:,.0f}" for result in drawn], padding=4)
        axes.set_xlim(0, max(left) * 1.15)
        axes.legend(loc="lower right")
    longer = [f"{result.title}: {result.cpu_in_all / 1000:,.0f} ms" for result in results if result not in drawn]
    _horizontal(
        axes, "CPU time a request, by process", "microseconds of CPU a request" + "".join(f"\nNot drawn: {each}" for each in longer)
    )
    _save(figure, path)


def saturation(curve: Curve, path: Path) -> None:
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    rates, latencies = figure.subplots(2, 1, sharex=True)
    offered = [point.offered for point in curve.points]
    rates.plot(offered, offered, color=GREY, linestyle=":", label="offered")
    rates.plot(offered, [point.measured.rate for point in curve.points], color=BLUE, marker="o", label="accepted")
    rates.plot(offered, [point.refused for point in curve.points], color=ORANGE, marker="s", label="refused (told to wait)")
    rates.plot(offered, [point.failed for point in curve.points], color=RED, marker="x", label="not sent, or failed otherwise")
    rates.set_ylabel("requests a second")
    rates.set_title(f"{curve.title} creates at a constant rate of arrival: what becomes of them", loc="left")
    latencies.plot(offered, [_gap(point.measured.p50) for point in curve.points], color=BLUE, marker="o", label="p50")
    latencies.plot(offered, [_gap(point.measured.p99) for point in curve.points], color=RED, marker="s", label="p99")
    latencies.set_yscale("log")
    latencies.yaxis.set_major_formatter("{x:,.0f}")
    latencies.set_ylabel("milliseconds")
    latencies.set_xlabel("requests offered a second")
    latencies.set_title("Latency of the accepted ones, from the moment they were due", loc="left")
    for axes in (rates, latencies):
        axes.axvline(curve.capacity, color=GREY, linestyle="--", label="capacity, when clients wait for answers")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(alpha=0.3)
        axes.legend()
    rates.yaxis.set_major_formatter("{x:,.0f}")
    _save(figure, path)


def growth(sizes: Sequence[Size], path: Path) -> None:
    counts = sorted({size.stored for size in sizes})
    titles = list(dict.fromkeys(size.measured.title for size in sizes))
    figure, axes = _figure(0.9 * len(titles) + 1.6)
    height = 0.8 / len(counts)
    for number, stored in enumerate(counts):
        found = {size.measured.title: size for size in sizes if size.stored == stored}
        places = [place + number * height for place in range(len(titles))]
        ratios = [found[title].ratio for title in titles]
        bars = axes.barh(places, ratios, height * 0.9, label=f"{stored:,} payments stored", color=(BLUE, GREEN, ORANGE)[number % 3])
        axes.bar_label(bars, [f"{found[title].ratio:.2f}, {found[title].measured.cpu_in_all:,.0f} µs" for title in titles], padding=4)
    axes.axvline(MOST, color=RED, linestyle="--", label=f"{MOST}, the most it may grow to")
    axes.set_yticks([place + height * (len(counts) - 1) / 2 for place in range(len(titles))], titles)
    axes.set_xlim(0, max(size.ratio for size in sizes) * 1.3)
    axes.legend(loc="lower right")
    _horizontal(
        axes, "CPU time a request by the number of payments stored", f"CPU a request, as a multiple of that with {counts[0]:,} stored"
    )
    axes.xaxis.set_major_formatter("{x:g}")
    _save(figure, path)


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, height), layout="constrained")
    return figure, figure.subplots()


def _horizontal(axes: Axes, title: str, unit: str) -> None:
    axes.invert_yaxis()
    axes.set_title(title, loc="left", x=0, fontsize=11)
    axes.set_xlabel(unit)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="x", alpha=0.3)


def _gap(figure: float | None) -> float:
    return float("nan") if figure is None else figure


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
