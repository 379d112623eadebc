"""Writes the tables of docs/metrics.md from the metrics in the code: `make metrics-table`; with --check only says whether they are."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

import gateway.metrics
import process.metrics
import process.vital_signs
import server.metrics

PAGE = Path(__file__).with_name("metrics.md")
BEGIN, END = "<!-- made by make metrics-table: begin -->\n", "<!-- end -->\n"
UNITS = ("seconds", "bytes")
TITLES: dict[str, list[ModuleType]] = {
    "Of the server": [server.metrics],
    "Of the gateway": [gateway.metrics],
    "Of both": [process.metrics, process.vital_signs],
}


def tables() -> str:
    return "\n".join(f"### {title}\n\n{table(modules)}" for title, modules in TITLES.items())


def table(modules: list[ModuleType]) -> str:
    found = {metric for module in modules for metric in vars(module).values() if isinstance(metric, Counter | Gauge | Histogram)}
    # What has values for its labels is one of a metric's series, bound beforehand.
    kept = sorted(row(metric) for metric in found if not metric._labelvalues)
    head = ["name", "type", "labels", "unit", "meaning", "for example"]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, ["---"] * len(head), *kept])


def row(metric: Any) -> list[str]:
    """prometheus_client has no public names for what a metric was made with."""
    kind = metric._type  # what Prometheus calls it, whatever the class
    name = metric._name + ("_total" if kind == "counter" else "")
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)
    unit = next((unit for unit in UNITS if unit in metric._name.split("_")[-1]), "")
    return [f"`{name}`", kind, labels, unit, metric._documentation, f"`{query(kind, name, metric._labelnames)}`"]


def query(kind: str, name: str, labels: tuple[str, ...]) -> str:
    if kind == "gauge":
        return name
    if kind == "counter":
        return f"sum by ({', '.join(labels)}) (rate({name}[5m]))" if labels else f"sum(rate({name}[5m]))"
    return f"histogram_quantile(0.99, sum by ({', '.join(['le', *labels])}) (rate({name}_bucket[5m])))"


def main() -> None:
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, f"{PAGE} lacks the marks between which the tables stand"
    page = f"{before}{BEGIN}\n{tables()}\n{END}{after}"
    if "--check" not in sys.argv:
        PAGE.write_text(page)
    elif page != PAGE.read_text():
        sys.exit(f"{PAGE} is not what the code says: make metrics-table")


if __name__ == "__main__":
    main()
