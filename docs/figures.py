"""Writes the figures of both READMEs from the reports: `make figures`. A figure stands between `<!-- NAME -->` and `<!-- -->`."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
THOUSANDS = {"README.md": ",", "README.pt-BR.md": "."}  # what each language groups digits by
FIGURE = re.compile(r"<!-- ([\w ]+) -->[\d.,]*<!-- -->")


def measured() -> dict[str, int]:
    """Requests a second, milliseconds, kinds of faults, and USD a month."""
    scenarios = {each["name"]: each for each in json.loads((ROOT / "docs/performance/bench.json").read_text())["scenarios"]}
    costs = re.search(r"\*\*together\*\* \| \*\*([\d,]+)\*\* \| \*\*([\d,]+)\*\*", (ROOT / "docs/iac.md").read_text())
    assert costs, "docs/iac.md has no estimate: make infra-costs"
    faults = _faults()
    return {
        "creates": round(scenarios["rest-create-256"]["rate"]),
        "updates": round(scenarios["rest-update-64"]["rate"]),
        "list": round(scenarios["rest-list-2"]["p50"]),
        "gRPC creates": round(scenarios["grpc-create-64"]["rate"]),
        "faults": len(faults),
        "lost": sum(int(row[-2].replace(",", "")) for row in faults),
        "duplicated": sum(int(row[-1].replace(",", "")) for row in faults),
        "staging": int(costs[1].replace(",", "")),
        "production": int(costs[2].replace(",", "")),
    }


def _faults() -> list[list[str]]:
    """The rows of docs/reliability.md's matrix; the last two cells of each are payments lost and duplicated."""
    matrix = (ROOT / "docs/reliability.md").read_text().partition("<!-- matrix: begin")[2].partition("<!-- matrix: end -->")[0]
    rows = [row.strip("|").split("|") for row in matrix.splitlines() if row.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def main() -> None:
    figures = measured()
    for name, separator in THOUSANDS.items():
        page = ROOT / name

        def written(found: re.Match[str], separator: str = separator) -> str:
            return f"<!-- {found[1]} -->{figures[found[1]]:,}<!-- -->".replace(",", separator)

        text, count = FIGURE.subn(written, page.read_text())
        assert count == len(figures), f"{name} has {count} figures, not {len(figures)}"
        page.write_text(text)


if __name__ == "__main__":
    main()
