"""Images: vulnerabilities of what is in them, secrets, mistakes in how they are set up; and their SBOMs."""

import json
from collections.abc import Sequence
from pathlib import Path

from scanning.finding import Finding, Result, Severity
from scanning.program import ROOT, ScannerFailed, run


def database() -> bool:
    """Fetches trivy's vulnerability database. False: it is out of reach."""
    try:
        run("trivy", "image", "--download-db-only", "--quiet")
    except ScannerFailed as failure:
        if "download" not in str(failure):
            raise
        return False
    return True


def scan(images: Sequence[str]) -> Result:
    """Images of the local engine, by name. Writes an SBOM of each to build/scan/NAME.cdx.json."""
    known = database()
    findings: list[Finding] = []
    for image in images:
        name = image.split(":")[0]
        report = run(
            *("trivy", "image", "--quiet", "--format", "json", "--skip-db-update", "--skip-java-db-update", "--skip-check-update"),
            *("--scanners", "vuln,secret,misconfig" if known else "secret,misconfig", "--image-config-scanners", "misconfig,secret", image),
        )
        findings += [finding for result in json.loads(report.stdout).get("Results", []) for finding in _findings(result, name)]
        sbom(image, ROOT / "build" / "scan" / f"{name}.cdx.json")
    missing = [] if known else [f"vulnerabilities in {', '.join(images)}, as trivy's database is out of reach"]
    return Result("images", "trivy image", findings, f"{len(images)} images", missing)


def sbom(image: str, file: Path) -> None:
    """CycloneDX, of Debian's and Python's packages."""
    file.parent.mkdir(parents=True, exist_ok=True)
    run("trivy", "image", "--quiet", "--skip-db-update", "--format", "cyclonedx", "--output", str(file), image)


def _findings(result: dict[str, list[dict[str, str]]], image: str) -> list[Finding]:
    return [
        *(
            Finding(
                each["VulnerabilityID"],
                image,
                Severity[each["Severity"]],
                each.get("Title", ""),
                f"{each['PkgName']} {each['InstalledVersion']}",
            )
            for each in result.get("Vulnerabilities", [])
        ),
        *(
            Finding(each["RuleID"], image, Severity[each["Severity"]], each["Title"], str(result["Target"]))
            for each in result.get("Secrets", [])
        ),
        *(
            Finding(each["ID"], image, Severity[each["Severity"]], each["Title"], each["Message"])
            for each in result.get("Misconfigurations", [])
        ),
    ]
