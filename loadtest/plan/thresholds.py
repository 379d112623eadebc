"""What a load has to keep to, and the verdict on what came of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from loadtest.results import Figures

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
ERRORS, REACHED = "errors", "reached"


@dataclass(frozen=True)
class Thresholds:
    """`percentiles`: the most milliseconds that the latency of accepted requests may have, by percent. `errors`: the greatest share of
    requests that may end otherwise. `reached`: the least share of the requests offered that has to be accepted. A share is from 0 to 1."""

    percentiles: Mapping[float, float]
    errors: float
    reached: float


@dataclass(frozen=True)
class Judged:
    """A threshold and what was found."""

    api: str
    name: str
    limit: str
    found: str
    kept: bool


def thresholds(table: Mapping[str, object]) -> Thresholds:
    """Of a TOML table such as {p50 = 50, p99.5 = 500, errors = 0.001, reached = 0.95}. Raises ValueError."""
    percentiles: dict[float, float] = {}
    shares = {ERRORS: 0.0, REACHED: 0.0}
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ValueError(f"{key} is {value!r}, not a number from 0")
        matched = _PERCENTILE.fullmatch(key)
        if matched:
            percentiles[float(matched[1])] = float(value)
        elif key in shares and value <= 1:
            shares[key] = float(value)
        else:
            raise ValueError(f"{key} = {value}: there are p50 to p99.9 in milliseconds, and {ERRORS} and {REACHED} from 0 to 1")
    return Thresholds(percentiles, shares[ERRORS], shares[REACHED])


def judge(limits: Thresholds, figures: Figures) -> list[Judged]:
    """Of one API's figures. That no answer contradicts what was acknowledged needs no threshold: none may."""
    api = figures.api
    found = []
    for percent, most in sorted(limits.percentiles.items()):
        latency = figures.percentile(percent)
        text = "no request was accepted" if latency is None else f"{latency:,.1f} ms"
        found.append(Judged(api, f"p{percent:g}", f"at most {most:,g} ms", text, latency is not None and latency <= most))
    errors = f"{figures.error_share:.3%}" + (f": {figures.errors_text}" if figures.errors else "")
    found.append(
        Judged(api, "errors", f"at most {limits.errors:.3%}", errors, figures.offered > 0 and figures.error_share <= limits.errors)
    )
    reached = f"{figures.reached:.1%} of {figures.offered:,}"
    found.append(Judged(api, "accepted", f"at least {limits.reached:.1%}", reached, figures.reached >= limits.reached))
    wrong = f"{len(figures.wrong):,}" + (f": {figures.wrong[0]}" if figures.wrong else "")
    found.append(Judged(api, "wrong answers", "none", wrong, not figures.wrong))
    return found
