"""Known vulnerabilities of the locked packages."""

import json
from collections.abc import Mapping

from scanning.finding import Finding, Result, Severity
from scanning.program import ROOT, run

FOUND = 1
OPTIONS = ("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner=off")


def scan() -> Result:
    locks = sorted(f"requirements/{lock.name}" for lock in (ROOT / "requirements").glob("*.txt"))
    return read({name: run("pip-audit", "--requirement", name, *OPTIONS, accept=(0, FOUND)).stdout for name in locks})


def read(outputs: Mapping[str, str]) -> Result:
    """From what pip-audit prints for each lock. It ends well where it could look nothing up: what it skipped was not looked at."""
    findings, audited, skipped = [], set(), set()
    for lock, output in outputs.items():
        for package in json.loads(output)["dependencies"]:
            if "skip_reason" in package:
                skipped.add(package["name"])
                continue
            audited.add(package["name"])
            named = f"{package['name']} {package['version']}"
            findings += [
                Finding(known["id"], lock, Severity.HIGH, ", ".join(known["aliases"]) or "no other name", named)
                for known in package["vulns"]
            ]
    missing = [f"{len(skipped)} packages, which pip-audit skipped: {_some(skipped)}"] if skipped else []
    return Result("known vulnerabilities of packages", "pip-audit", findings, f"{len(audited)} packages", missing)


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)[:3]) + (", …" if len(names) > 3 else "")
