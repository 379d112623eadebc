"""One server process from start to end: the gRPC server, its background work, signals."""

import asyncio
import logging

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from payments.v1 import coalescing_pb2, listing_pb2, payments_pb2
from process.certificates import CertificateWatch
from process.collector import settle_collector
from process.listening import Address, CannotListen, allow_connections
from process.metrics import note_build, serve_metrics
from process.stopping import stop_signals
from process.vital_signs import watch_vital_signs
from server import audit
from server.access import Access
from server.coalescing import CoalescingService
from server.database import Database
from server.errors import Failure
from server.health import Health
from server.listing import ListingService
from server.metrics import IN_FLIGHT, IN_FLIGHT_LIMIT
from server.other_services import Counted, UnknownMethods
from server.rpc import Calls
from server.service import PaymentService
from server.settings import Settings
from server.tls import server_credentials
from server.transport import Patience, Server

log = logging.getLogger("server")

SERVICE = payments_pb2.DESCRIPTOR.services_by_name["PaymentService"]
COALESCING = coalescing_pb2.DESCRIPTOR.services_by_name["CoalescingService"]
LISTING = listing_pb2.DESCRIPTOR.services_by_name["ListingService"]
# The calls that CoalescingService's methods carry.
CARRIED = {f"{name}s": SERVICE.methods_by_name[name] for name in ("GetPayment", "CreatePayment", "UpdatePayment")}
DRAIN = 20.0  # seconds in-flight calls have after the shutdown delay; with the delay it fits Kubernetes' default grace of 30
_LAST_WORDS = 0.2  # seconds for answers on their way when the last call has ended
_PRUNE_INTERVAL = 60.0  # seconds
_PRUNE_PAUSE = 0.1  # seconds

_OPTIONS = [
    ("grpc.server_handshake_timeout_ms", 10_000),  # for TLS, and HTTP/2's first frame
    ("grpc.max_connection_age_grace_ms", 30_000),
    ("grpc.max_concurrent_streams", 1024),  # more wait in their client
    ("grpc.http.overload_protection", 0),  # which refuses streams below that number, too, while others are still being cleared away
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Beyond these gRPC cancels calls that it has not handed over yet; the limit on calls in flight tells callers to wait instead.
    ("grpc.server.max_pending_requests", 100_000),
    ("grpc.server.max_pending_requests_hard_limit", 100_000),
]


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises CannotListen and UnusableCertificates."""
    credentials = server_credentials(CertificateWatch(settings.tls)) if settings.tls else grpc.insecure_server_credentials()
    allow_connections()
    database = Database(settings.database_url, settings.pool_size, settings.database_password)
    service = PaymentService(database, settings.limits)
    shared = ("grpc.so_reuseport", int(settings.workers > 1))  # else a port in use is an error, not a second owner
    options = [
        *_OPTIONS,
        ("grpc.max_connection_age_ms", int(settings.max_connection_age * 1000)),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.max_metadata_size", settings.max_metadata),
        ("grpc.absolute_max_metadata_size", settings.max_metadata),  # else gRPC refuses at random from the limit to 16 KiB
        shared,
    ]
    patience = Patience(settings.receive_timeout, settings.send_timeout, settings.max_unread)
    server = Server([*options, ("grpc.max_receive_message_length", settings.max_message_size)], patience, audit.write)
    calls = Calls(settings.max_in_flight, settings.request_timeout, Access(settings.api_keys))
    health = Health(settings.database_url, settings.database_password, calls.tell)
    server.add_generic_rpc_handlers(
        (
            calls.handlers(SERVICE, service),
            calls.handlers(COALESCING, CoalescingService(service), CARRIED),
            calls.handlers(LISTING, ListingService(service)),
        ),
    )
    others = Counted(server)
    health_pb2_grpc.add_HealthServicer_to_server(health.servicer, others)
    if settings.reflection or settings.api_keys is None:
        names = (SERVICE.full_name, "grpc.health.v1.Health", reflection.SERVICE_NAME)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflection.aio.ReflectionServicer(names), others)
    server.add_generic_rpc_handlers((UnknownMethods(),))

    address = _bind(server, settings.listen, "--listen", credentials)
    probed = Server(options)
    health_pb2_grpc.add_HealthServicer_to_server(health.servicer, Counted(probed))
    if settings.health_listen:
        log.info("health listening on %s", _bind(probed, settings.health_listen, "--health-listen", grpc.insecure_server_credentials()))
    if settings.workers == 1:
        serve_metrics(settings.metrics_listen)
    await health.start()
    await probed.start()
    await server.start()
    note_build("server")
    IN_FLIGHT_LIMIT.set(settings.max_in_flight)
    vital_signs = watch_vital_signs(lambda: IN_FLIGHT.set(calls.in_flight), database.read_gauges, health.read_gauges)
    background = [asyncio.ensure_future(each) for each in (health.watch(), _prune_keys(service, settings.request_timeout), vital_signs)]
    if settings.api_keys:
        background.append(asyncio.ensure_future(settings.api_keys.watch()))
    log.info("gRPC listening on %s%s", address, " with TLS" if settings.tls else "")
    settle_collector()
    await _until_signal(server, calls, health, settings.shutdown_delay)
    await probed.stop(0)
    for task in background:
        task.cancel()
    await asyncio.gather(asyncio.to_thread(database.close), asyncio.to_thread(health.close))
    log.info("stopped")


def _bind(server: Server, address: Address, option: str, credentials: grpc.ServerCredentials) -> str:
    """The address with its port chosen. Raises CannotListen."""
    host, port = address
    try:
        port = server.add_secure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", credentials)
    except RuntimeError:
        raise CannotListen(address, option, "the address is in use or not this machine's") from None
    return f"{host}:{port}"


async def _until_signal(server: Server, calls: Calls, health: Health, delay: float) -> None:
    """At a signal: not ready, wait for callers to notice, finish what is in flight. A second signal skips the waiting.

    The delay matters: gRPC answers calls that arrive while it stops with CANCELLED, which no client retries.
    """
    signals = stop_signals()
    log.info("%s: stopping", (await signals.get()).name)
    await health.stop()
    impatient = asyncio.ensure_future(signals.get())
    await asyncio.wait([impatient], timeout=delay)
    stop = asyncio.ensure_future(server.stop(DRAIN))
    # gRPC itself waits for the watchers of health too, who never leave.
    idle = asyncio.ensure_future(calls.idle())
    await asyncio.wait([stop, idle, impatient], return_when=asyncio.FIRST_COMPLETED)
    await server.stop(0 if impatient.done() else _LAST_WORDS)
    await stop
    for task in (idle, impatient):
        task.cancel()


async def _prune_keys(service: PaymentService, timeout: float) -> None:
    pruned = 0
    while True:
        # Small steps that let others in between, but as many as it takes to keep up with the keys that come.
        await asyncio.sleep(_PRUNE_PAUSE if pruned else _PRUNE_INTERVAL)
        try:
            pruned = await service.prune_keys(timeout)
        except Failure as failure:
            pruned = 0
            log.warning("idempotency keys not pruned: %s", failure)
        else:
            log.debug("pruned %d idempotency keys", pruned)
