"""`make smoke`: tries a running service from outside in less than half a minute, prints what it found, and removes what it made."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtest.report import junit
from tests.smoke.check import FAILED, NOT_ASKED, Check, Clock, Result, run_all
from tests.smoke.door import Door
from tests.smoke.grpc_api import GROUP as GRPC
from tests.smoke.grpc_api import Grpc
from tests.smoke.inside import Inside
from tests.smoke.lives import GrpcConnection, Lives, RestConnection, removal
from tests.smoke.own import Own
from tests.smoke.rest import GROUP as REST
from tests.smoke.rest import Rest

SECONDS = 16.0  # for all checks
REMOVAL = 5.0  # seconds for what is left to remove


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.smoke", description=__doc__)
    parser.add_argument("url", help="of REST, such as https://sre-test.nuveo.ai")
    parser.add_argument("--grpc", default="", metavar="HOST:PORT", help="of gRPC, where it is reached from here")
    parser.add_argument("--grpc-tls", action="store_true", help="gRPC has TLS")
    parser.add_argument("--ca", default="", metavar="FILE", help="PEM file of the authorities of the certificates (default: the system's)")
    parser.add_argument("--days", type=int, default=14, help="the least days that the certificate has to last (default: %(default)s)")
    parser.add_argument("--version", default="", help="what has to run (default: any)")
    parser.add_argument("--metrics", nargs="*", default=[], metavar="URL", help="of metrics, where they are reached from here")
    parser.add_argument("--images", nargs="*", default=[], metavar="NAME=…@DIGEST", help="that kubectl's current context has to run")
    parser.add_argument("--payments", type=int, default=3000, help="made over each API, if there is time (default: %(default)s)")
    parser.add_argument("--budget", type=float, default=1000, help="milliseconds that a request may take (default: %(default)s)")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="where JUnit's XML is written")
    given = parser.parse_args(arguments)
    key = os.environ.get("PAYMENTS_API_KEY", "")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was made is removed
    own, clock = Own(), Clock(SECONDS)
    door = Door(given.url, given.ca, given.days, clock)
    rest = Rest(given.url, key, given.ca, given.version, own, clock)
    grpc = Grpc(given.grpc, given.grpc_tls, key, given.ca, own, clock)

    def connect() -> RestConnection:
        return RestConnection(door, key, own)

    lives = [
        Lives(REST, connect, given.payments, given.budget, 0.5 if given.grpc else 0.9, own, clock),
        Lives(GRPC, (lambda: GrpcConnection(grpc, own)) if given.grpc else None, given.payments, given.budget, 0.9, own, clock),
    ]
    checks = [
        Check("door", "DNS", door.resolves),
        Check("door", "TLS", door.certificate),
        *rest.checks(),
        *grpc.checks(),
        *(check for each in lives for check in each.checks()),
        *Inside(given.metrics, given.version, given.images, clock).checks(),
    ]
    results: list[Result] = []
    with removal(own, connect, REMOVAL):
        for result in run_all(checks):
            results.append(result)
            print(_line(result), flush=True)
    grpc.close()
    if own.ids or own.unsure:
        print(f"LEFT: {len(own.ids)} payments, and {len(own.unsure)} creates of unknown outcome, of {own.run}", file=sys.stderr)
    if given.junit:
        given.junit.write_text(junit.document("smoke", [_case(result) for result in results]))
    failed = sum(result.state == FAILED for result in results)
    print(f"smoke: {given.url}: {f'{failed} of {len(results)} checks failed' if failed else 'works'}")
    return 1 if failed or own.ids or own.unsure else 0


def _line(result: Result) -> str:
    check = result.check
    return f"{result.state:7} {check.group:7} {check.name:36} {result.seconds * 1000:7,.0f} ms  {result.found}"


def _case(result: Result) -> junit.Case:
    said = {FAILED: {"failure": result.found}, NOT_ASKED: {"skipped": result.found}}.get(result.state, {})
    return junit.Case(result.check.group, result.check.name, result.seconds, **said)


if __name__ == "__main__":
    sys.exit(main())
