"""payments-load: offers a shape of load to a running service, and judges what came of it."""

import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from loadtest.engines import ghz
from loadtest.engines.engine import Engine, EngineFailed, Job
from loadtest.engines.locust import Locust
from loadtest.offer import offer
from loadtest.plan import allowed
from loadtest.plan.file import DEFAULT, Shape, Target, read
from loadtest.plan.thresholds import judge
from loadtest.report import baseline
from loadtest.report.observed import Observer
from loadtest.report.report import Report, environment
from loadtest.report.summary import summary
from loadtest.results import Results

BROKEN, UNUSABLE = 1, 2
APIS = ("rest", "grpc")

Entry = TypeVar("Entry", Shape, Target)


@click.command()
@click.argument("shape")
@click.option(
    "--file", "path", default=DEFAULT, show_default=True, type=click.Path(path_type=Path), help="TOML file of shapes and targets."
)
@click.option("--target", default="local", show_default=True, help="Target of the file.")
@click.option("--api", "apis", multiple=True, type=click.Choice(APIS), help="Only this API; both together otherwise.")
@click.option("--rest", help="URL of REST, instead of the target's.")
@click.option("--grpc", help="HOST:PORT of gRPC, instead of the target's.")
@click.option("--metrics", multiple=True, help="URL of a process's metrics, instead of the target's; may be given more than once.")
@click.option("--ghz", "program", default="", help="Path of ghz.")
@click.option("--key", envvar="PAYMENTS_API_KEY", default="", help="API key, where the service asks for one; also PAYMENTS_API_KEY.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the report.  [default: build/load/SHAPE]")
@click.option("--baseline", "before", type=click.Path(path_type=Path), help="report.json of an earlier run to compare with.")
@click.option("--regression", default=0.2, show_default=True, type=click.FloatRange(0), help="The share that it may be worse by.")
def main(
    shape: str,
    path: Path,
    target: str,
    apis: tuple[str, ...],
    rest: str | None,
    grpc: str | None,
    metrics: tuple[str, ...],
    program: str,
    key: str,
    out: Path | None,
    before: Path | None,
    regression: float,
) -> None:
    """Offers SHAPE (smoke, load, stress, spike, soak, or another of the file) to a running service, on a host that the file allows.

    Ctrl-C ends it, and what has come until then is told. Exit code: 0 where every threshold was kept, 1 where one was not, 2 where the
    load could not be offered."""
    try:
        plan = read(path)
        chosen, aim = _named(plan.shapes, shape, "shape"), _named(plan.targets, target, "target")
        aim = replace(aim, rest=aim.rest if rest is None else rest, grpc=aim.grpc if grpc is None else grpc, metrics=metrics or aim.metrics)
        engines = _engines(aim, apis or APIS, program)
        allowed.check([address for address in (aim.rest, aim.grpc, *aim.metrics) if address], plan.allow)
        earlier = baseline.read(before, shape) if before else None
        job = Job(f"load-{uuid.uuid4().hex[:12]}", aim, chosen, key, Results())
        report = _run(engines, job, earlier, regression)
    except (ValueError, EngineFailed) as error:
        print(f"payments-load: {error}", file=sys.stderr)
        sys.exit(UNUSABLE)
    out = out or Path("build") / "load" / shape
    report.write(out)
    for each in report.judged:
        print(f"{'kept  ' if each.kept else 'BROKEN'} {each.api:5} {each.name:16} {each.limit:24} {each.found}")
    print(f"The report: {out / 'report.html'}")
    sys.exit(0 if all(each.kept for each in report.judged) else BROKEN)


def _run(engines: Sequence[Engine], job: Job, earlier: Mapping[str, Any] | None, regression: float) -> Report:
    versions = {engine.api: engine.version for engine in engines}
    around = environment(versions)
    began = [0.0]
    with Observer(job.target.metrics) as observer:

        def begin(moment: float) -> None:
            began[0] = moment
            observer.begin(moment)

        offer(engines, job, begin)
    figures = job.results.figures()
    summaries = [summary(each) for each in figures]
    judged = [each for found in figures for each in judge(job.shape.thresholds, found)]
    if earlier:
        judged += [each for found in summaries for each in baseline.compare(found, earlier, regression)]
    return Report(job, began[0], summaries, judged, observer.observed, around)


def _named(entries: Mapping[str, Entry], name: str, what: str) -> Entry:
    if name not in entries:
        raise ValueError(f"there is no {what} {name!r}; there are {', '.join(sorted(entries)) or 'none'}")
    return entries[name]


def _engines(target: Target, apis: Sequence[str], program: str) -> list[Engine]:
    """For those of the APIs that the target has."""
    engines: list[Engine] = []
    if "rest" in apis and target.rest:
        engines.append(Locust())
    if "grpc" in apis and target.grpc:
        engines.append(ghz.Ghz(ghz.find(program)))
    if not engines:
        raise ValueError(f"the target has no {' and no '.join(apis)}")
    return engines


if __name__ == "__main__":
    main()
