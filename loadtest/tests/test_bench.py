"""A short run from end to end, and what a report says of figures that are known."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from click.testing import CliRunner

from loadtest import charts, growth, saturation
from loadtest.bench import main
from loadtest.cost import PARTS
from loadtest.scenario import Measurement, median_of


def measured(rate: float = 100, cpu: float = 30, name: str = "get", p50: float | None = 2.0, **outcomes: int) -> Measurement:
    return Measurement(name, name.title(), rate, p50, 9.0, outcomes or {"200": 100}, dict.fromkeys(PARTS, cpu / 3), 100, 110, 0.1)


def test_a_run_writes_its_figures_and_draws_them(tmp_path: Path) -> None:
    options = ["--seconds", "1", "--rounds", "1", "--only", "rest-create-1", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "bench.json").read_text())
    (scenario,) = report["scenarios"]
    assert scenario["name"] == "rest-create-1"
    assert set(scenario["outcomes"]) == {"200"}
    assert scenario["rate"] > 10
    assert 0 < scenario["p50"] <= scenario["p99"] < 1000
    assert all(scenario["cpu"][part] > 0 for part in PARTS)
    assert 50 < scenario["resident_before"] <= scenario["resident_peak"] < 1000
    assert 0 < scenario["generator_cpu"] < 1
    assert {"date", "commit", "cpu", "cores", "memory_gib", "load_average", "kernel", "python", "postgresql", "packages"} == set(
        report["machine"]
    )
    assert "REST create, 1 connection" in result.output
    for chart in ("throughput.svg", "cpu.svg"):
        assert_drawn(tmp_path / chart, "REST create, 1 connection")


def test_the_figures_of_rounds_are_medians_and_their_outcomes_sums() -> None:
    rounds = [
        measured(rate, rate * 3, p50=p50, **outcomes)
        for rate, p50, outcomes in ((1, 5.0, {"OK": 1}), (9, None, {"OK": 2, "UNAVAILABLE": 3}), (2, 7.0, {"OK": 3}))
    ]
    median = median_of(rounds)
    assert (median.rate, median.p50, median.cpu_in_all) == (2, 6.0, 6)
    assert median.outcomes == {"OK": 6, "UNAVAILABLE": 3}
    assert median.errors == {"UNAVAILABLE": 3}


def test_a_curve_tells_refusals_from_failures_and_how_far_throughput_falls(tmp_path: Path) -> None:
    overloaded = Measurement("x", "x", 800, 40, 90, {"200": 800, "429": 1100, "not sent": 100}, dict.fromkeys(PARTS, 10.0), 100, 110, 0.1)
    beyond = saturation.Point.of(2000, overloaded)
    assert (beyond.refused, beyond.failed) == (1100, 100)
    points = [[saturation.Point.of(500, measured(500)), saturation.Point.of(1000, measured(1000)), beyond]] * 3
    curve = saturation.curve(saturation.APIS[0], 1000, points)
    assert curve.steadiness == 0.8
    assert (curve.points[2].refused, curve.points[2].failed) == (1100, 100)
    charts.saturation(curve, tmp_path / "saturation.svg")
    assert_drawn(tmp_path / "saturation.svg", "refused (told to wait)")


def test_growth_is_measured_against_the_fewest_payments(tmp_path: Path) -> None:
    sizes = growth.growth(
        [(1_000_000, measured(cpu=120)), (1_000, measured(cpu=90)), (1_000, measured(cpu=110)), (1_000, measured(cpu=100))]
    )
    assert [(size.stored, round(size.ratio, 3)) for size in sizes] == [(1_000, 1), (1_000_000, 1.2)]
    charts.growth(sizes, tmp_path / "growth.svg")
    assert_drawn(tmp_path / "growth.svg", "1,000,000 payments stored")


def test_the_same_figures_give_the_same_chart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        charts.cpu([measured()], tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def assert_drawn(path: Path, text: str) -> None:
    """The chart is an SVG of moderate size that has the text as text."""
    assert path.stat().st_size < 200 << 10
    root = ElementTree.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert text in "".join(root.itertext())
