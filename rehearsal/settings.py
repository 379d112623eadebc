"""What the repository's settings on Travis give to jobs, and what the encrypted lines of .travis.yml do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rehearsal.build import Build
from rehearsal.pipeline import Job


@dataclass(frozen=True)
class Variable:
    value: str
    branch: str | None = None
    """Only jobs of this branch get it. That of a tag's job is the tag's name; that of a pull request, the one it goes into."""


@dataclass(frozen=True)
class Settings:
    variables: Mapping[str, Variable] = field(default_factory=dict)
    """Hidden ones: with those of a fork's pull request they are not shared."""
    encrypted: Mapping[str, str] = field(default_factory=dict)
    """Travis alone can decrypt a `secure` line. Here a job that has one gets all of these."""

    def secrets(self, job: Job, build: Build) -> dict[str, str]:
        if not build.gets_secrets:
            return {}
        limited = {name: each.value for name, each in self.variables.items() if each.branch in (None, build.branch)}
        return limited | (dict(self.encrypted) if job.encrypted else {})
