"""Health (grpc.health.v1): this process's own state, and whether its database answers."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

from grpc_health.v1 import health, health_pb2
from grpc_health.v1._async import HealthServicer
from sqlalchemy.exc import DBAPIError

from server.database import make_engine

log = logging.getLogger("server")

# Of this process alone: were readiness the database's, an outage would take every server out of DNS and load balancers.
LIVENESS = "liveness"
READINESS = "readiness"
# Of the service with its database; the empty name is the server as a whole.
WITH_DATABASE = (health.OVERALL_HEALTH, "payments.v1.PaymentService")

_INTERVAL = 0.5  # seconds
_TIMEOUT = 2.0  # seconds: longer than any probe takes, shorter than a caller's patience
_PROBE = "SET LOCAL statement_timeout = 2000; SELECT FROM payments LIMIT 1"

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health:
    """Watches the database on a connection and a thread of its own, so that neither load nor a frozen PostgreSQL hides it."""

    def __init__(self, url: str) -> None:
        self.servicer = HealthServicer()
        self._engine = make_engine(url, pool_size=1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._answers: bool | None = None

    async def watch(self) -> None:
        """Until it is cancelled."""
        for name in (LIVENESS, READINESS):
            await self.servicer.set(name, _SERVING)
        await self._set(False, "not asked yet")
        while True:
            probe = asyncio.get_running_loop().run_in_executor(self._thread, self._probe)
            answer: str | None = "no answer"
            begin = time.monotonic()
            done, _ = await asyncio.wait([probe], timeout=_TIMEOUT)
            if not done:
                await self._set(False, "no answer")
                await asyncio.wait([probe])  # a second probe would only queue behind it
            answer = await probe
            await self._set(not answer, answer)
            await asyncio.sleep(max(0.0, _INTERVAL - (time.monotonic() - begin)))

    async def stop(self) -> None:
        """Everything but liveness is NOT_SERVING from now on."""
        await self.servicer.set(READINESS, _NOT_SERVING)
        for name in WITH_DATABASE:
            await self.servicer.set(name, _NOT_SERVING)

    async def _set(self, answers: bool, why: str) -> None:
        if answers != self._answers:
            self._answers = answers
            log.log(
                logging.INFO if answers else logging.WARNING,
                "database answers" if answers else "database does not answer: %s",
                *([] if answers else [why]),
            )
            for name in WITH_DATABASE:
                await self.servicer.set(name, _SERVING if answers else _NOT_SERVING)

    def _probe(self) -> str:
        """What is wrong with the database; empty for nothing."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(_PROBE)
        except DBAPIError as error:
            hint = "; run `payments-server migrate`" if getattr(error.orig, "pgcode", None) == "42P01" else ""
            return str(error.orig).strip().replace("\n", " ") + hint
        return ""
