"""Health (grpc.health.v1): this process's own state, and whether its database answers."""

import asyncio
import logging
import time
from collections.abc import Callable

import psycopg2
from grpc_health.v1 import health, health_pb2
from grpc_health.v1._async import HealthServicer

from server import metrics
from server.database import Database, Password, fault

log = logging.getLogger("server")

# Of this process alone: were readiness the database's, an outage would take every server out of DNS and load balancers.
LIVENESS = "liveness"
READINESS = "readiness"
# Of the service with its database; the empty name is the server as a whole.
WITH_DATABASE = (health.OVERALL_HEALTH, "payments.v1.PaymentService")

_INTERVAL = 0.5  # seconds
_TIMEOUT = 2.0  # seconds: longer than any probe takes, shorter than a caller's patience
_PROBE = "SET LOCAL statement_timeout = 2000; SELECT 1 FROM payments LIMIT 1"

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health:
    """Watches the database on a connection and a thread of its own, so that neither load nor a frozen PostgreSQL hides it."""

    def __init__(self, url: str, password: Password | None = None, tell: Callable[[str], None] = lambda fault: None) -> None:
        """`tell` learns what is wrong with the database whenever that changes; empty for nothing."""
        self.servicer = HealthServicer()
        self._database = Database(url, pool_size=1, password=password, name="health")
        self._tell = tell
        self._stopping = False
        self._fault: str | None = None  # what the log was last told; None before the first probe

    async def start(self) -> None:
        """Before the server serves: the process is ready, of its database nothing is known yet."""
        for name in (LIVENESS, READINESS):
            await self.servicer.set(name, _SERVING)
        for name in WITH_DATABASE:
            await self.servicer.set(name, _NOT_SERVING)

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            begin = time.monotonic()
            probe = asyncio.ensure_future(self._database.run(self._probe))
            done, _ = await asyncio.wait([probe], timeout=_TIMEOUT)
            if not done:
                await self._set(f"no answer for {_TIMEOUT:g} seconds")
            await self._set(await probe)  # however long it takes: a second probe would only queue behind it
            await asyncio.sleep(max(0.0, _INTERVAL - (time.monotonic() - begin)))

    async def stop(self) -> None:
        """Everything but liveness is NOT_SERVING from now on."""
        self._stopping = True
        for name in (READINESS, *WITH_DATABASE):
            await self.servicer.set(name, _NOT_SERVING)

    def read_gauges(self) -> None:
        """Sets the metrics that are states of the probe's pool."""
        self._database.read_gauges()

    def close(self) -> None:
        """Ends the probe's connection and thread."""
        self._database.close()

    async def _set(self, fault: str) -> None:
        if fault == self._fault:
            return
        self._fault = fault
        metrics.DATABASE_UP.set(not fault)
        self._tell(fault)
        if fault:
            log.warning("database does not answer: %s", fault)
        else:
            log.info("database answers")
        for name in () if self._stopping else WITH_DATABASE:
            await self.servicer.set(name, _NOT_SERVING if fault else _SERVING)

    def _probe(self) -> str:
        """What is wrong with the database; empty for nothing."""
        try:
            self._database.query(_PROBE, None, time.monotonic() + _TIMEOUT)
        except psycopg2.Error as error:
            return fault(error)
        except Exception as error:  # whatever it is, the watch must go on
            return repr(error)
        return ""
