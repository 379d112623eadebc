"""`make resilience`: every fault in full, under load, and the matrix of docs/reliability.md from what was measured."""

import argparse
import contextlib
import itertools
import sys
import time
import traceback

from tests.resilience import matrix
from tests.resilience.fault import Fault, run
from tests.resilience.faults import FAULTS
from tests.resilience.nginx import nginx
from tests.resilience.stage import staged


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.resilience", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="only faults whose names have one of these texts")
    only = parser.parse_args().only
    chosen = [fault for fault in FAULTS if not only or any(text.lower() in fault.name.lower() for text in only)]
    rows, broken = {}, []
    begin = time.monotonic()
    for layout, faults in itertools.groupby(chosen, key=lambda fault: fault.layout):
        try:
            with staged(layout) as stage, nginx(stage) if layout.nginx else contextlib.nullcontext():
                for fault in faults:
                    try:
                        outcome = run(fault, stage)
                    except Exception:
                        broken.append(_tell(fault, traceback.format_exc()))
                        break  # nobody knows what it has left
                    rows[fault.name] = matrix.row(outcome)
                    print(rows[fault.name], flush=True)
                    broken += [_tell(fault, text) for text in outcome.broken]
        except Exception:
            broken.append(_tell(None, f"{layout}: {traceback.format_exc()}"))
    matrix.keep(rows, [fault.name for fault in FAULTS])
    missing = [fault.name for fault in chosen if fault.name not in rows]
    print(f"{len(rows)} of {len(chosen)} faults in {time.monotonic() - begin:.0f} s, {len(broken)} promises broken", flush=True)
    if missing:
        print(f"NOT RUN: {', '.join(missing)}", file=sys.stderr)
    return 1 if broken or missing else 0


def _tell(fault: Fault | None, text: str) -> str:
    print(f"BROKEN {fault.name if fault else ''}: {text}", file=sys.stderr, flush=True)
    return text


if __name__ == "__main__":
    sys.exit(main())
