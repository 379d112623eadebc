"""A job on this machine: a clone of the commit, an environment of its own, and its lines in one shell, as Travis runs them."""

import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rehearsal.build import Build
from rehearsal.pipeline import BEFORE, Job, Pipeline

# Seconds. A job of Travis ends after 50 minutes, and after 10 without output.
LONGEST = 50 * 60
SILENT = 10 * 60
ERRORED = 201
"""The exit code of a job whose preparation failed: its script was not run."""


@dataclass(frozen=True)
class Outcome:
    job: Job
    state: str
    """passed, failed, errored (before its script), or left out."""
    seconds: float
    log: Path | None

    @property
    def good(self) -> bool:
        return self.state in ("passed", "left out")


@dataclass(frozen=True)
class Machine:
    """What jobs are run on: where commits come from, what the machine has of its own, and where it may write."""

    repository: Path
    environment: Mapping[str, str]
    folder: Path

    def run(self, pipeline: Pipeline, job: Job, build: Build, secrets: Mapping[str, str]) -> Outcome:
        place = self.folder / job.stage / folder_name(job.name)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        checkout = place / "checkout"
        _clone(self.repository, build, checkout)
        for name in job.uses:
            shutil.copytree(self.folder / "workspaces" / name, checkout, dirs_exist_ok=True)
        (place / "script.sh").write_text(script(pipeline, job))
        environment = {**self.environment, **build.environment(), **secrets, "TRAVIS_BUILD_DIR": str(checkout)}
        environment["TRAVIS_JOB_WEB_URL"] = f"https://app.travis-ci.com/rehearsal/jobs/{job.stage}-{folder_name(job.name)}"
        started = time.monotonic()
        with (place / "log").open("wb") as log:
            code = _supervised(["bash", str(place / "script.sh")], checkout, environment, log)
        state = "passed" if code == 0 else "errored" if code == ERRORED else "failed"
        if state == "passed" and job.creates:
            _keep(checkout, job.creates[1], self.folder / "workspaces" / job.creates[0])
        return Outcome(job, state, time.monotonic() - started, place / "log")


def script(pipeline: Pipeline, job: Job) -> str:
    """Travis ends a job at the first line of its preparation that fails, and goes on after a line of its script that failed."""
    lines = ["result=0", *(f"export {each}" for each in (*pipeline.env, *job.env))]
    for phase, commands in job.phases.items():
        for command in commands:
            lines.append(f"printf '$ %s\\n' {shlex.quote(command)}")
            lines.append(f"eval {shlex.quote(command)} || " + (f"exit {ERRORED}" if phase in BEFORE else "result=1"))
    return "\n".join([*lines, "exit $result", ""])


def folder_name(title: str) -> str:
    """Without what programs stumble over in a path."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower())


def _clone(repository: Path, build: Build, checkout: Path) -> None:
    """All branches and tags of the repository, as `depth: false` has them; `origin` is the repository."""
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", str(repository), str(checkout)], check=True, capture_output=True)
    subprocess.run(["git", "checkout", "--quiet", build.commit], cwd=checkout, check=True, capture_output=True)


def _keep(checkout: Path, paths: tuple[str, ...], workspace: Path) -> None:
    for path in paths:
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(checkout / path, workspace / path)


def _supervised(command: list[str], folder: Path, environment: Mapping[str, str], log: IO[bytes]) -> int:
    """Runs it in a session of its own, and ends that where Travis would."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    ends = time.monotonic() + LONGEST
    while True:
        readable, _, _ = select.select([process.stdout], [], [], min(SILENT, max(0.0, ends - time.monotonic())))
        if not readable:
            os.killpg(process.pid, signal.SIGKILL)
            log.write(b"rehearsal: ended: no output for 10 minutes, or 50 minutes in all\n")
            process.wait()
            return 1
        output = os.read(process.stdout.fileno(), 65536)
        if not output:
            return process.wait()
        log.write(output)
        log.flush()
