"""Secrets, in every commit of every branch and tag that the clone has."""

import json
import re
from pathlib import Path

from scanning.finding import Finding, Result, Severity
from scanning.program import ROOT, run

FOUND = 77


def scan(repository: Path = ROOT) -> Result:
    report = ROOT / "build" / "scan" / "gitleaks.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    # --redact: the report goes into a build's log.
    done = run(
        *("gitleaks", "git", "--log-opts=--all", "--redact", "--no-banner", "--no-color", "--exit-code", str(FOUND)),
        *("--report-format", "json", "--report-path", str(report), str(repository)),
        accept=(0, FOUND),
    )
    counted = re.search(r"(\d+) commits scanned", done.stderr)
    findings = [
        Finding(each["RuleID"], each["File"], Severity.CRITICAL, each["Description"], f"{each['Commit'][:12]}, line {each['StartLine']}")
        for each in json.loads(report.read_text())
    ]
    return Result("secrets in the history", "gitleaks", findings, f"{counted[1] if counted else 0} commits")
