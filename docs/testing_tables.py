"""Writes the tables of docs/testing.md from what was measured: `make testing-tables`. Results are the report.json of runs, kept in
docs/testing/; capacity is reckoned from docs/performance/bench.json, docs/testing/footprint.json and terraform/prices.toml."""

import json
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER / "testing.md"
SHAPES = ("smoke", "spike", "stress")
RATES = (1_000, 10_000, 100_000)
# A payment is created, read once and consumed: a third of the requests each.
MIX = ("rest-create-64", "rest-get-64", "rest-update-64")
CREATES = 1 / len(MIX)
BUSY = 0.6  # of a processor, where there is room for a burst and for pods that are lost
DATABASE_BUSY = 0.5
LEAST = 3  # pods of a kind: one in each zone
HOURS, DAY = 730, 86_400
CLASSES = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48, "16xlarge": 64}  # vCPUs of db.m7g
NODE_VCPUS = 2


def results() -> str:
    """What became of each shape."""
    lines = [
        "| shape | API | offered | accepted | a second | p50 | p99 | errors | thresholds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for shape in SHAPES:
        report = json.loads((FOLDER / "testing" / f"{shape}.json").read_text())
        for api in report["apis"]:
            total, percentiles = api["total"], api["total"]["percentiles"]
            judged = [each["kept"] for each in report["judged"] if each["api"] == api["api"]]
            errors = ", ".join(f"{outcome} {count:,}" for outcome, count in total["errors"].items()) or "none"
            kept = "kept" if all(judged) else f"{judged.count(False)} broken"
            figures = [f"{api['offered']:,}", f"{total['accepted']:,}", f"{total['rate']:,.0f}"]
            latencies = [f"{percentiles[percent]:,.0f} ms" if percent in percentiles else "–" for percent in ("50", "99")]  # noqa: RUF001
            lines.append("| " + " | ".join([shape, api["api"], *figures, *latencies, errors, kept]) + " |")
    return "\n".join(lines)


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU that a request of the mix takes, by process."""

    gateway: float
    server: float
    database: float


def cost() -> Cost:
    scenarios = {each["name"]: each["cpu"] for each in json.loads((FOLDER / "performance" / "bench.json").read_text())["scenarios"]}
    each = [sum(scenarios[name][part] for name in MIX) / len(MIX) / 1e6 for part in ("gateway", "server", "PostgreSQL")]
    return Cost(*each)


def capacity() -> str:
    """Pods, nodes, the database and what they cost, by requests a second."""
    found, footprint = cost(), json.loads((FOLDER / "testing" / "footprint.json").read_text())
    prices = tomllib.loads((FOLDER.parent / "terraform" / "prices.toml").read_text())
    hour, stored = prices["hour"], prices["gib_month"]
    lines = [
        f"A request of the mix takes {found.gateway * 1e6:.0f} µs of CPU in the gateway, {found.server * 1e6:.0f} in the server and"
        f" {found.database * 1e6:.0f} in PostgreSQL; a pod does {BUSY / found.gateway:,.0f} requests a second as gateway and"
        f" {BUSY / found.server:,.0f} as server at {BUSY:.0%} of one processor. A payment takes {footprint['stored']:,.0f} bytes stored and"
        f" {footprint['wal']:,.0f} bytes of WAL.",
        "",
        "| requests a second | gateways | servers | nodes (m7i.large) | PostgreSQL (db.m7g) | grows a day | WAL | USD a month |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for rate in RATES:
        gateways, servers = (max(LEAST, math.ceil(rate * part / BUSY)) for part in (found.gateway, found.server))
        nodes = max(LEAST, math.ceil(rate * (found.gateway + found.server) / BUSY / (NODE_VCPUS * 0.9)))
        vcpus = rate * found.database / DATABASE_BUSY
        name = next((name for name, size in CLASSES.items() if size >= vcpus), "more than one")
        instance = hour["database"]["db.m7g.large"] / CLASSES["large"] * CLASSES.get(name, 0)
        grows = rate * CREATES * footprint["stored"] * DAY / 2**30
        month = HOURS * (nodes * hour["node"]["m7i.large"] + 2 * instance) + 30 * grows * 2 * stored["database_storage"]
        wal = rate * CREATES * footprint["wal"] / 2**20
        row = [f"{rate:,}", str(gateways), str(servers), str(nodes), name, f"{grows:,.0f} GiB", f"{wal:,.1f} MiB/s", f"{month:,.0f}"]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def main() -> None:
    page = PAGE.read_text()
    for name, table in (("results", results()), ("capacity", capacity())):
        begin, end = f"<!-- {name}: begin; `make testing-tables` writes what is between these -->", f"<!-- {name}: end -->"
        before, found, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        assert found and ended, f"{PAGE} lacks the marks of {name}"
        page = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
