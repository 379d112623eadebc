""".travis.yml, as far as it is known here. A key that is not known stops the rehearsal: it could mean anything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.build import Build
from rehearsal.conditions import Unknown, holds

# What a machine has (os, dist, addons, services, cache) is taken for given here, and said in the report.
GIVEN = {"version", "os", "dist", "language", "git", "cache", "notifications", "addons", "services"}
BEFORE = ("before_install", "install", "before_script")
PHASES = (*BEFORE, "script")
OF_PIPELINE = GIVEN | {"branches", "env", "stages", "jobs"}
OF_JOB = GIVEN | {"stage", "name", "if", "env", "workspaces", *PHASES}


@dataclass(frozen=True)
class Job:
    stage: str
    name: str
    condition: str
    env: tuple[str, ...]
    encrypted: int
    """How many `secure` lines it has."""
    phases: Mapping[str, tuple[str, ...]]
    creates: tuple[str, tuple[str, ...]] | None
    """The workspace that it leaves: name and paths."""
    uses: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    name: str
    condition: str


@dataclass(frozen=True)
class Pipeline:
    stages: tuple[Stage, ...]
    jobs: tuple[Job, ...]
    env: tuple[str, ...]
    branches: tuple[str, ...]

    def builds(self, build: Build) -> bool:
        """Whether `branches` lets it be built at all."""
        return not self.branches or any(_names(pattern, build.branch) for pattern in self.branches)

    def selected(self, build: Build) -> list[tuple[Stage, list[Job]]]:
        """The stages that run, in order, with their jobs. Raises Unknown."""
        facts, chosen = build.for_conditions(), []
        for stage in self.stages if self.builds(build) else ():
            jobs = [job for job in self.jobs if job.stage == stage.name and holds(job.condition, facts)]
            if jobs and holds(stage.condition, facts):
                chosen.append((stage, jobs))
        return chosen


def read(file: Path) -> Pipeline:
    """Raises Unknown."""
    written = yaml.safe_load(file.read_text())
    _refuse_unknown(written, OF_PIPELINE, "the pipeline")
    _refuse_unknown(written.get("branches", {}), {"only"}, "branches")
    _refuse_unknown(written.get("env", {}), {"global"}, "env")
    _refuse_unknown(written["jobs"], {"include"}, "jobs")
    stages = []
    for each in written["stages"]:
        _refuse_unknown(each, {"name", "if"}, "a stage")
        stages.append(Stage(each["name"], each.get("if", "true")))
    jobs: list[Job] = []
    for each in written["jobs"]["include"]:
        jobs.append(_job(each, jobs[-1].stage if jobs else ""))
    if unknown := {job.stage for job in jobs} - {stage.name for stage in stages}:
        raise Unknown(f"stages of jobs that `stages` does not name: {unknown}")
    return Pipeline(
        tuple(stages), tuple(jobs), _lines(written.get("env", {}).get("global", [])), tuple(written.get("branches", {}).get("only", []))
    )


def _job(written: dict[str, Any], stage: str) -> Job:
    _refuse_unknown(written, OF_JOB, f"the job {written.get('name')}")
    workspaces = written.get("workspaces", {})
    _refuse_unknown(workspaces, {"create", "use"}, "workspaces")
    env = [written["env"]] if isinstance(written.get("env"), str) else written.get("env", [])
    created = workspaces.get("create")
    return Job(
        written.get("stage", stage),
        written["name"],
        written.get("if", "true"),
        tuple(each for each in env if isinstance(each, str)),
        sum(isinstance(each, dict) for each in env),
        {phase: _lines(written[phase]) for phase in PHASES if phase in written},
        (created["name"], tuple(created["paths"])) if created else None,
        _lines(workspaces.get("use", [])),
    )


def _lines(written: str | list[str]) -> tuple[str, ...]:
    return (written,) if isinstance(written, str) else tuple(written)


def _names(pattern: str, branch: str) -> bool:
    if pattern.startswith("/"):
        return re.search(pattern.strip("/"), branch) is not None
    return pattern == branch


def _refuse_unknown(written: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := set(written) - known:
        raise Unknown(f"{where} has keys that are not known here: {', '.join(sorted(unknown))}")
