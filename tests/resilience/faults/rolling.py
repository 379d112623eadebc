"""Rolling restarts: two servers behind one gateway, and two gateways behind nginx. No request may fail."""

import time

from tests.resilience.fault import Fault
from tests.resilience.stage import Layout, Stage

# Seconds between the first's being ready and the second's end, as minReadySeconds of a Kubernetes deployment has it.
_SETTLED = 1.0


def servers(stage: Stage) -> None:
    for server in stage.servers:
        server.restart()
        time.sleep(_SETTLED)


def gateways(stage: Stage) -> None:
    for gateway in stage.gateways:
        gateway.restart()
        time.sleep(_SETTLED)


QUICK = [Fault("rolling restart of two servers", "no request fails", servers, Layout(servers=2), unfailing=True)]
FAULTS = [
    *QUICK,
    Fault(
        "rolling restart of two gateways behind nginx",
        "no request fails",
        gateways,
        Layout(gateways=2, nginx=True, options=("--shutdown-delay", "3")),
        unfailing=True,
    ),
]
