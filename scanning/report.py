"""One page of everything that was found, in Markdown."""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence

from scanning.finding import Finding, Severity
from scanning.gate import FOUND, OFFLINE, Verdict

HEADLINES = {0: "passed", FOUND: "FAILED: findings without an exception, or exceptions that no longer hold", OFFLINE: "INCOMPLETE"}


def write(verdict: Verdict, commit: str, now: datetime.datetime) -> str:
    lines = [f"# Security scan of {commit}: {headline(verdict)}", ""]
    if verdict.not_looked_at:
        lines += ["**NOT SCANNED, as advisories were out of reach:**", "", *(f"* {each}" for each in verdict.not_looked_at), ""]
    lines += [f"{now:%Y-%m-%d %H:%M} UTC. HIGH and above fails unless scanning/exceptions.toml explains it.", "", *table(verdict)]
    lines += _section("Without an exception", _rows(verdict.unexplained))
    lines += _section(
        "Expired exceptions", (f"| {', '.join(each.ids)} | {each.where} | {each.until} | {each.reason} |" for each in verdict.expired)
    )
    lines += _section(
        "Exceptions that find nothing any longer", (f"| {identity} | {each.where} | | |" for identity, each in verdict.unused)
    )
    lines += _section(
        "Explained", sorted({f"| {found.id} | {found.where} | until {why.until} | {why.reason} |" for found, why in verdict.accepted})
    )
    lines += _section("Below HIGH", _rows(verdict.below))
    return "\n".join(lines) + "\n"


def headline(verdict: Verdict) -> str:
    if verdict.exit_code == 0 and verdict.not_looked_at:
        return "passed, as far as it could look"
    return HEADLINES[verdict.exit_code]


def table(verdict: Verdict) -> list[str]:
    """A row a scan: what it looked at, and how many findings of which severity."""
    accepted = {finding for finding, _ in verdict.accepted}
    rows = ["| scan | by | looked at | findings | of these explained |", "|---|---|---|---|---|"]
    for result in verdict.results:
        counted = Counter(finding.severity for finding in result.findings)
        numbers = ", ".join(f"{counted[severity]} {severity.name}" for severity in sorted(Severity, reverse=True) if counted[severity])
        covered = sum(finding in accepted for finding in result.findings)
        rows.append(f"| {result.scan} | {result.scanner} | {result.looked_at} | {numbers or 'none'} | {covered} |")
    return [*rows, ""]


def _rows(findings: Sequence[Finding]) -> list[str]:
    return [f"| {each.id} | {each.where} | {each.severity.name} | {_cell(each.title)}: {_cell(each.part)} |" for each in reversed(findings)]


def _section(title: str, rows: Iterable[str]) -> list[str]:
    listed = list(rows)
    return [f"## {title}", "", "| id | where | | |", "|---|---|---|---|", *listed, ""] if listed else []


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
