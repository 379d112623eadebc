"""`make scan`: exit code 0, nothing stops a build; 1, something does; 2, a scanner did not run; 3, advisories were out of reach."""

import argparse
import datetime
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from scanning import report
from scanning.finding import Result
from scanning.gate import Verdict, judge
from scanning.program import ROOT, ScannerFailed
from scanning.register import REGISTER, InvalidRegister, read
from scanning.scans import cluster, configuration, dependencies, dockerfile, images, secrets
from scanning.tree import lay_out

BROKEN = 2
SHOWN = 30
Scan = Callable[[], Result]


def code() -> tuple[list[Scan], tuple[str, ...]]:
    """The scans of the repository, and what the ids of their checks begin with."""
    lay_out()
    scans = [secrets.scan, dependencies.scan, dockerfile.scan, configuration.trivy, configuration.checkov]
    return scans, (*dockerfile.CHECKS, *configuration.TRIVY_CHECKS, *configuration.CHECKOV_CHECKS)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scanning", description=__doc__)
    parser.add_argument("--images", nargs="+", metavar="NAME:TAG", help="scan these images in place of the repository")
    parser.add_argument("--cluster", action="store_true", help="scan the cluster of the current context in place of the repository")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.images:
            verdict = run([lambda: images.scan(chosen.images)], ())
        elif chosen.cluster:
            verdict = run(cluster.SCANS, ())
        else:
            verdict = run(*code())
    except (ScannerFailed, InvalidRegister) as failure:
        print(f"scan: {failure}", file=sys.stderr)
        return BROKEN
    name = "images" if chosen.images else "cluster" if chosen.cluster else "report"
    show(verdict, f"build/scan/{name}.md")
    return verdict.exit_code


def run(scans: Sequence[Scan], checks: Sequence[str]) -> Verdict:
    """Raises ScannerFailed and InvalidRegister."""
    today = datetime.date.today()
    register = read(REGISTER, today)
    results = []
    for scan in scans:
        started = time.monotonic()
        result = scan()
        print(f"scan: {result.scan} by {result.scanner}: {len(result.findings)} findings, {time.monotonic() - started:.0f} s", flush=True)
        results.append(result)
    return judge(results, register, checks, today, allow_offline=os.environ.get("SCAN_ALLOW_OFFLINE") == "1")


def show(verdict: Verdict, page: str) -> None:
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    (ROOT / page).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / page).write_text(report.write(verdict, commit, datetime.datetime.now(datetime.UTC)))
    for finding in verdict.unexplained[-SHOWN:]:
        print(f"scan: {finding.severity.name} {finding.id} in {finding.where}: {finding.title} ({finding.part})", file=sys.stderr)
    if len(verdict.unexplained) > SHOWN:
        print(f"scan: and {len(verdict.unexplained) - SHOWN} more", file=sys.stderr)
    for each in verdict.expired:
        print(f"scan: the exception for {', '.join(each.ids)} in {each.where} has expired on {each.until}", file=sys.stderr)
    for identity, each in verdict.unused:
        print(f"scan: the exception for {identity} in {each.where} finds nothing any longer", file=sys.stderr)
    for missing in verdict.not_looked_at:
        print(f"scan: NOT SCANNED: {missing}", file=sys.stderr)
    print(f"scan: {report.headline(verdict)}; {page}")


if __name__ == "__main__":
    sys.exit(main())
