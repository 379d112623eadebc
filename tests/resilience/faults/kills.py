"""kill -9."""

import time

from tests.resilience.fault import Fault
from tests.resilience.stage import Stage, until

_DOWN = 0.5  # seconds


def server(stage: Stage) -> None:
    stage.server.kill()
    time.sleep(_DOWN)
    stage.server.restart()


def gateway(stage: Stage) -> None:
    stage.gateway.kill()
    time.sleep(_DOWN)
    stage.gateway.restart()


def backend(stage: Stage) -> None:
    """PostgreSQL then ends all other connections and recovers."""
    backends = {pid for (pid,) in stage.postgres.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'payments-server'")}
    victim = next(process for process in stage.postgres.processes() if process.pid in backends)
    victim.kill()
    until(lambda: not victim.is_running(), "the backend has ended")
    stage.postgres.wait()


def postgres(stage: Stage) -> None:
    stage.postgres.kill()
    time.sleep(_DOWN)
    stage.postgres.start()


FAULTS = [
    Fault("kill -9 of the server", "retries with the same key finish what was open", server),
    Fault("kill -9 of the gateway", "REST is away until it is started again; gRPC does not notice", gateway),
    Fault("kill -9 of a PostgreSQL backend", "PostgreSQL recovers, and so do the servers", backend),
    Fault("kill -9 of PostgreSQL", "all that was acknowledged outlives crash recovery", postgres),
]
