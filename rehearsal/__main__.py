"""`make rehearse`: the pipeline's stories on this machine. Images need REHEARSAL_REGISTRY and docker, deployments SERVICE_URL too."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rehearsal.cloud import cloud
from rehearsal.conditions import Unknown
from rehearsal.stories import ANYWHERE, WITH_CLUSTER, WITH_REGISTRY, Rehearsal

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "rehearsal"
STORIES = {story.__name__: story for story in (*ANYWHERE, *WITH_REGISTRY, *WITH_CLUSTER)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    listed = "; ".join(f"{name}: {story.__doc__}" for name, story in STORIES.items())
    parser.add_argument("stories", nargs="*", metavar="STORY", help=f"what is rehearsed. {listed}")
    asked = parser.parse_args().stories
    if unknown := set(asked) - set(STORIES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    chosen = asked or possible()
    shutil.rmtree(FOLDER, ignore_errors=True)
    rows = []
    with cloud(FOLDER / "cloud") as made:
        on = Rehearsal(made, FOLDER / "repository", FOLDER)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(on.repository)], check=True)
        start = on.head
        for name in chosen:
            on.git("checkout", "--quiet", "-B", "main", start)
            rows.append((name, *tell(name, on)))
    lines = [f"| {name} | {STORIES[name].__doc__} | {outcome} | {seconds:.0f} |" for name, outcome, seconds in rows]
    lines += [f"| {name} | {story.__doc__} | not rehearsed | |" for name, story in STORIES.items() if name not in chosen]
    (FOLDER / "report.md").write_text(
        "\n".join([f"# Rehearsal of {start}", "", "| story | | | seconds |", "|---|---|---|---|", *lines, ""])
    )
    print("\n" + "\n".join(lines) + f"\n{FOLDER / 'report.md'}")
    return 0 if all(outcome == "as it has to be" for _, outcome, _ in rows) else 1


def possible() -> list[str]:
    """The stories that this machine allows. Deployments change the current context's namespace payments, so somebody has to ask."""
    stories = [*ANYWHERE]
    if not os.environ.get("REHEARSAL_REGISTRY"):
        print("NOT REHEARSED: images, as REHEARSAL_REGISTRY names no registry", file=sys.stderr)
    else:
        stories += WITH_REGISTRY
        if os.environ.get("SERVICE_URL"):
            return [story.__name__ for story in (*stories, *WITH_CLUSTER)]
    print("NOT REHEARSED: deployments, as SERVICE_URL names no ingress of a cluster to throw away", file=sys.stderr)
    return [story.__name__ for story in stories]


def tell(name: str, on: Rehearsal) -> tuple[str, float]:
    started = time.monotonic()
    try:
        STORIES[name](on)
        outcome = "as it has to be"
    except (AssertionError, Unknown, subprocess.CalledProcessError) as failure:
        outcome = f"FAILED: {failure}"
    print(f"{name}: {outcome}", flush=True)
    return outcome, time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
