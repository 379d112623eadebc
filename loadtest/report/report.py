"""A run as it is kept: report.html for people, report.json to compare with, junit.xml for pipelines."""

import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from loadtest import machine
from loadtest.engines.engine import Job
from loadtest.plan.thresholds import Judged
from loadtest.report import charts, junit
from loadtest.report.observed import Observed
from loadtest.report.summary import PERCENTS, Summary


@dataclass(frozen=True)
class Report:
    """`began`: on time.time()'s clock. `environment`: what was there before the run."""

    job: Job
    began: float
    summaries: Sequence[Summary]
    judged: Sequence[Judged]
    observed: Sequence[Observed]
    environment: Mapping[str, object]

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        document = self.document()
        (folder / "report.json").write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
        (folder / "report.html").write_text(self._page(document))
        cases = [junit.Case(each.api, f"{each.name}: {each.limit}", 0.0, "" if each.kept else each.found) for each in self.judged]
        (folder / "junit.xml").write_text(junit.document(f"load {self.job.shape.name}", cases))

    def document(self) -> dict[str, Any]:
        """What report.json has."""
        shape, target, stopped = self.job.shape, self.job.target, self.job.stopped - self.began
        return {
            "run": self.job.run,
            "began": datetime.datetime.fromtimestamp(self.began, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "ended_early": stopped if self.job.stopping.is_set() else None,
            "shape": {
                "name": shape.name,
                "scenario": shape.scenario,
                "calls": [call.title for call in shape.calls],
                "phases": [dataclasses.asdict(phase) for phase in shape.phases],
                "seconds": shape.seconds,
                "concurrency": shape.concurrency,
            },
            "target": {"rest": target.rest, "grpc": target.grpc},
            "apis": [dataclasses.asdict(summary) for summary in self.summaries],
            "judged": [dataclasses.asdict(each) for each in self.judged],
            "observed": [
                {"url": each.url, "component": each.component, "failures": each.failures, "told": each.told()} for each in self.observed
            ],
            "notes": self._notes(),
            "environment": dict(self.environment),
        }

    def _notes(self) -> list[str]:
        left = self.job.results.left
        return [*self.job.results.notes, *([f"{len(left):,} payments of {self.job.run} could not be removed"] if left else [])]

    def _page(self, document: Mapping[str, Any]) -> str:
        loader = jinja2.PackageLoader("loadtest.report", "")
        environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
        chosen = {each.api: self._plots(each) for each in self.summaries}
        return environment.get_template("page.html.j2").render(
            run=document,
            kept=all(each.kept for each in self.judged),
            broken=sum(not each.kept for each in self.judged),
            summaries=self.summaries,
            percents=[f"{percent:g}" for percent in PERCENTS],
            plots=chosen,
            percentiles=charts.percentiles(self.summaries),
            processes=charts.processes(self.observed),
        )

    @staticmethod
    def _plots(summary: Summary) -> dict[str, str]:
        return {"throughput": charts.throughput(summary), "latency": charts.latency(summary), "errors": charts.errors(summary)}


def environment(engines: Mapping[str, str]) -> dict[str, object]:
    """Of this machine, where the load comes from. `engines`: by API, what sends it."""
    return {**machine.host(), **{f"{api} by": engine for api, engine in engines.items()}}
