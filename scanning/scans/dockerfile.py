"""The Dockerfile's style and the shell in it."""

import json

from scanning.finding import Finding, Result, Severity
from scanning.program import TREE, run

RATED = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "info": Severity.LOW, "style": Severity.LOW}
CHECKS = ("DL", "SC")


def scan() -> Result:
    done = run("hadolint", "--no-fail", "--format", "json", "Dockerfile", cwd=TREE)
    findings = [
        Finding(each["code"], each["file"], RATED[each["level"]], each["message"], f"line {each['line']}")
        for each in json.loads(done.stdout)
    ]
    return Result("Dockerfile", "hadolint", findings, "1 file")
