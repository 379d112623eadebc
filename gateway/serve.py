"""One gateway process from start to end: sockets, the channel to the server, signals."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from gateway.app import create_app
from gateway.channel import open_channel
from gateway.http import Protocol
from gateway.overload import InFlight
from gateway.settings import Settings
from gateway.status import Readiness
from process.collector import settle_collector
from process.listening import BACKLOG, allow_connections, listen
from process.metrics import note_build, serve_metrics
from process.stopping import stop_signals
from process.vital_signs import watch_vital_signs
from process.waiting import Waiting

log = logging.getLogger("gateway")

DRAIN = 25  # seconds in-flight requests have after the shutdown delay; with the delay it fits Kubernetes' default grace of 30
_MARGIN = 5.0  # seconds between the deadline of a call and the end of a channel that is no longer used
# libuv takes one new connection from a socket in each turn of the event loop. Under load a turn takes tens of milliseconds, and whoever
# connects anew, as health checks do, waits for seconds behind hundreds of others.
ACCEPTORS = 16
KEEP_ALIVE = 75  # seconds an idle connection is kept: longer than nginx's 60, so that nginx is the one that closes


class _Server(uvicorn.Server):
    """Without uvicorn's own signal handling, which raises SIGTERM anew after a clean stop, so that the exit code would not be 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def uvicorn_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """uvicorn without what is done otherwise here, or must not be: it would believe X-Forwarded-* of any client on this machine."""
    return uvicorn.Config(
        app,
        http=partial(Protocol, limits=settings.limits, unread=Waiting(settings.max_unread)),  # type: ignore[arg-type]  # it is called, and no more
        ws="none",
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        access_log=False,
        log_config=None,
        log_level=logging.WARNING,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=DRAIN,
    )


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises CannotListen and UnusableCertificates."""
    allow_connections()
    listener = listen(settings.listen, "--listen", shared=settings.workers > 1)
    if settings.workers == 1:
        serve_metrics(settings.metrics_listen)
    note_build("gateway")
    readiness = Readiness()
    in_flight = InFlight(settings.max_in_flight)
    async with open_channel(settings.server, settings.tls, settings.server_name, settings.request_timeout + _MARGIN) as channel:
        server = _Server(uvicorn_config(create_app(settings, channel, readiness, in_flight), settings))
        vital_signs = asyncio.ensure_future(watch_vital_signs(in_flight.read_gauges))
        stopping = asyncio.ensure_future(_stop_on_signal(server, readiness, settings.shutdown_delay))
        host, port = listener.getsockname()[:2]
        log.info("REST listening on %s:%d, server %s%s", host, port, settings.server, " with TLS" if settings.tls else "")
        settle_collector()
        await server.serve(sockets=[listener, *(listener.dup() for _ in range(ACCEPTORS - 1))])
        stopping.cancel()
        vital_signs.cancel()
    log.info("stopped")


async def _stop_on_signal(server: uvicorn.Server, readiness: Readiness, delay: float) -> None:
    """At a signal: not ready, then wait for load balancers to notice, then no more requests. A second signal skips the waiting."""
    signals = stop_signals()
    log.info("%s: stopping", (await signals.get()).name)
    readiness.ready = False
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(signals.get(), delay)
    server.should_exit = True
    await signals.get()
    server.force_exit = True
