"""Mistakes in Terraform's code, the built manifests and the Dockerfile, by trivy and by checkov."""

import json

from scanning.finding import Finding, Result, Severity
from scanning.program import TREE, run
from scanning.tree import origin

TFVARS = "terraform/environment/environments/production.tfvars"
TRIVY_CHECKS = ("AWS-", "KSV-", "DS-")
CHECKOV_CHECKS = ("CKV",)
CHECKOV_OUTPUT = ("--compact", "--quiet", "--soft-fail", "--output", "json")


def trivy() -> Result:
    """Its checks are in the program: it needs no database."""
    findings, files = [], 0
    for target in ("terraform", "manifests", "Dockerfile"):
        done = run("trivy", "config", "--skip-check-update", "--quiet", "--format", "json", "--tf-vars", TFVARS, target, cwd=TREE)
        for result in json.loads(done.stdout).get("Results", []):
            files += 1
            name = result["Target"] if target == result["Target"] else f"{target}/{result['Target']}"
            findings += [
                Finding(each["ID"], origin(name), Severity[each["Severity"]], each["Title"], each["Message"])
                for each in result.get("Misconfigurations", [])
            ]
    return Result("configuration", "trivy config", findings, f"{files} files")


def checkov() -> Result:
    """Without an account of its maker checkov rates nothing: each of its findings counts as HIGH."""
    findings, passed = [], 0
    for target in (("--directory", "terraform"), ("--directory", "manifests"), ("--file", "Dockerfile")):
        done = run("checkov", *target, "--skip-download", "--framework", "terraform", "kubernetes", "dockerfile", *CHECKOV_OUTPUT, cwd=TREE)
        report = json.loads(done.stdout)
        passed += report["summary"]["passed"]
        findings += [
            Finding(
                each["check_id"],
                origin(_below(target[1], each["file_path"].lstrip("/"))),
                Severity.HIGH,
                each["check_name"],
                each["resource"],
            )
            for each in report["results"]["failed_checks"]
        ]
    return Result("configuration", "checkov", findings, f"{passed} checks passed, {len(findings)} not")


def _below(target: str, name: str) -> str:
    """Of Terraform checkov names files from the folder that it was given, of all else from where it runs."""
    return name if (TREE / name).exists() else f"{target}/{name}"
