"""What scanners find, in one form."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum


class Severity(IntEnum):
    """As trivy names them. What a scanner does not rate counts as HIGH, so that nothing passes unread."""

    UNKNOWN = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


GATE = Severity.HIGH


@dataclass(frozen=True, order=True)
class Finding:
    id: str
    """The scanner's name of the check or vulnerability: CVE-2026-1234, CKV_K8S_43, DL3008."""
    where: str
    """The file in the repository, the image, or the object in the cluster."""
    severity: Severity
    title: str
    part: str = ""
    """What of it: a resource, a package with its version, a commit."""


@dataclass(frozen=True)
class Result:
    """What one scan came to."""

    scan: str
    scanner: str
    findings: Sequence[Finding] = ()
    looked_at: str = ""
    """How much was scanned, in the scanner's own numbers."""
    not_looked_at: Sequence[str] = field(default=())
    """What could not be scanned as an advisory database was out of reach."""
