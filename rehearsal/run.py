"""A whole build: stage by stage, until one fails."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from rehearsal.build import Build
from rehearsal.job import Machine, Outcome
from rehearsal.pipeline import Pipeline
from rehearsal.settings import Settings


@dataclass(frozen=True)
class Ran:
    build: Build
    outcomes: list[Outcome]
    canceled: list[str]
    """Stages that were to run after the one that failed."""

    @property
    def passed(self) -> bool:
        return not self.canceled and all(outcome.good for outcome in self.outcomes)

    def state(self, job: str) -> str:
        return next((outcome.state for outcome in self.outcomes if outcome.job.name == job), "not run")

    def log(self, job: str) -> str:
        return next(outcome.log.read_text() for outcome in self.outcomes if outcome.job.name == job and outcome.log)


def run(
    pipeline: Pipeline,
    build: Build,
    settings: Settings,
    machine: Machine,
    *,
    only: Collection[str] | None = None,
    after_job: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = print,
) -> Ran:
    """Jobs of a stage run one after another here, at the same time on Travis. What `only` does not name is left out, and reported so."""
    outcomes: list[Outcome] = []
    stages = pipeline.selected(build)
    for index, (stage, jobs) in enumerate(stages):
        say(f"stage {stage.name}")
        of_stage = []
        for job in jobs:
            if only is not None and job.name not in only:
                outcome = Outcome(job, "left out", 0, None)
            else:
                say(f"  {job.name}: {' && '.join(job.phases['script'])}")
                outcome = machine.run(pipeline, job, build, settings.secrets(job, build))
                after_job()
            of_stage.append(outcome)
            say(f"  {job.name}: {outcome.state}" + (f", {outcome.seconds:.0f} s, {outcome.log}" if outcome.log else ""))
        outcomes += of_stage
        if not all(outcome.good for outcome in of_stage):
            return Ran(build, outcomes, [later.name for later, _ in stages[index + 1 :]])
    return Ran(build, outcomes, [])


def report(title: str, ran: Ran, file: Path) -> None:
    """Writes what ran as Markdown."""
    build = ran.build
    told = f"{build.type} of {build.tag or build.branch}" + (" from a fork" if build.fork else "")
    rows = [f"| {each.job.stage} | {each.job.name} | {each.state} | {each.seconds:.0f} | {each.log or ''} |" for each in ran.outcomes]
    rows += [f"| {stage} | | canceled | | |" for stage in ran.canceled]
    head = [f"# {title}: {'passed' if ran.passed else 'FAILED'}", "", f"{told}, commit {build.commit}.", ""]
    left = "Addons, services and caches were taken as this machine has them."
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([*head, "| stage | job | state | seconds | log |", "|---|---|---|---|---|", *rows, "", left, ""]))
