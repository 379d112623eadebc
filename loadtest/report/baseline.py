"""Whether a run is worse than an earlier one of the same shape."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loadtest.plan.thresholds import Judged
from loadtest.report.summary import Summary

_COMPARED = ("50", "95", "99")  # percentiles
_NOISE = 5.0  # milliseconds: a smaller difference is none, as a millisecond more of two would be half as much again
_FEW = 0.001  # of requests: so much may the share of errors grow


def read(path: Path, shape: str) -> Mapping[str, Any]:
    """The report.json of an earlier run. Raises ValueError where it is none, or of another shape."""
    try:
        found: Mapping[str, Any] = json.loads(path.read_text())
        other = found["shape"]["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not the report of a run: {error}") from error
    if other != shape:
        raise ValueError(f"{path} is of the shape {other}, not {shape}: they cannot be compared")
    return found


def compare(summary: Summary, earlier: Mapping[str, Any], regression: float) -> Iterator[Judged]:
    """Figures of an API that are worse by more than `regression`, a share, are not kept; nothing where the earlier run had no such API."""
    api = next((each for each in earlier["apis"] if each["api"] == summary.api), None)
    if api is None:
        return
    before, now = api["total"], summary.total
    for percent in _COMPARED:
        old, new = before["percentiles"].get(percent), now.percentiles.get(percent)
        if old is not None:
            most = max(old * (1 + regression), old + _NOISE)
            found = "none accepted" if new is None else f"{new:,.1f} ms, was {old:,.1f}"
            yield Judged(summary.api, f"p{percent} as before", f"at most {most:,.1f} ms", found, new is not None and new <= most)
    least = before["rate"] * (1 - regression)
    found = f"{now.rate:,.1f} a second, was {before['rate']:,.1f}"
    yield Judged(summary.api, "rate as before", f"at least {least:,.1f} a second", found, now.rate >= least)
    old, new = (sum(errors.values()) / max(1, made) for errors, made in ((before["errors"], before["made"]), (now.errors, now.made)))
    most = old * (1 + regression) + _FEW
    yield Judged(summary.api, "errors as before", f"at most {most:.2%}", f"{new:.2%}, was {old:.2%}", new <= most)
