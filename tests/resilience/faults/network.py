"""Latency, resets, silence and half-open connections, between gateway and server and between server and PostgreSQL."""

import time
from collections.abc import Callable

from tests.resilience.fault import Fault
from tests.resilience.proxy import Proxy
from tests.resilience.stage import Layout, Stage, until

LATENCY = 0.5  # seconds
SECONDS = 5.0
RESETS = 20
NEAR_SERVER = Layout(proxied_server=True)
NEAR_DATABASE = Layout(proxied_database=True)


def _proxy(stage: Stage) -> Proxy:
    assert stage.proxy
    return stage.proxy


def latency(stage: Stage) -> None:
    _proxy(stage).delay(LATENCY)
    time.sleep(SECONDS)
    _proxy(stage).delay(0)


def resets(stage: Stage) -> None:
    for _ in range(RESETS):
        _proxy(stage).reset(1)
        time.sleep(0.1)


def black_hole(stage: Stage) -> None:
    _proxy(stage).hold()
    time.sleep(SECONDS)
    _proxy(stage).release()


def half_open(stage: Stage) -> None:
    """Nothing is to be repaired: whoever holds such a connection has to find out."""
    _proxy(stage).forget()
    time.sleep(1)  # what had been answered before has been read now


def black_hole_near_database(stage: Stage) -> None:
    _proxy(stage).hold()
    until(lambda: stage.get("/status")[0] == 503, "/status tells")
    time.sleep(SECONDS)
    _proxy(stage).release()


def _both(name: str, promise: str, strike: Callable[[Stage], None], server: float, database: float) -> list[Fault]:
    return [
        Fault(f"{name}, gateway – server", promise, strike, NEAR_SERVER, back_within=server),
        Fault(f"{name}, server – PostgreSQL", promise, strike, NEAR_DATABASE, back_within=database),
    ]


_FAULTS = [
    *_both("500 ms of latency", "slow, and nothing else", latency, 2, 2),
    *_both("resets in mid-answer", "reads and creates are repeated, updates and deletes told", resets, 2, 2),
    *_both("a black hole for 5 s", "what is held comes late or not at all, and is done once", black_hole, 2, 2),
    # Keepalive: 20 s of silence, then 5 s for an answer. A statement: its deadline of 10 s, and 2 more.
    *_both("half-open connections", "found out: by keepalive in 25 s, by the deadline of a statement in 15 s", half_open, 26, 16),
]
QUICK = [fault for fault in _FAULTS if fault.strike is resets and fault.layout is NEAR_SERVER]
FAULTS = sorted(_FAULTS, key=lambda fault: fault.layout is NEAR_DATABASE)
