"""pgbouncer between server and PostgreSQL is killed or restarted, or PostgreSQL is restarted behind it."""

import signal
import time

from tests.pooler import Pooler
from tests.resilience.fault import Fault
from tests.resilience.stage import Layout, Stage

POOLED = Layout(pooled=True)
_DOWN = 0.5  # seconds


def _pooler(stage: Stage) -> Pooler:
    assert stage.pooler
    return stage.pooler


def killed(stage: Stage) -> None:
    _pooler(stage).stop(signal.SIGKILL)
    time.sleep(_DOWN)
    _pooler(stage).start()


def restarted(stage: Stage) -> None:
    _pooler(stage).stop()
    _pooler(stage).start()


def postgres(stage: Stage) -> None:
    stage.postgres.stop()
    time.sleep(_DOWN)
    stage.postgres.start()


FAULTS = [
    Fault("kill -9 of pgbouncer", "retries with the same key finish what was open", killed, POOLED),
    Fault("pgbouncer restarted", "reads and creates are repeated, updates and deletes told", restarted, POOLED),
    Fault("PostgreSQL restarted behind pgbouncer", "back as without it", postgres, POOLED),
]
