"""The gRPC channel to the server: who is called, what is retried, how soon a lost server is left and a new one found."""

import json

import grpc
import grpc.aio

from gateway.rotation import RotatingChannel
from process.certificates import CertificateFiles, Certificates, CertificateWatch
from process.metrics import note_certificate

SERVICE = "payments.v1.PaymentService"
DOMAIN = "payments.v1"  # of the errors (google.rpc.ErrorInfo)
MAX_REPLY = 32 << 20  # bytes

# Only what may run twice: reads, and creates, which carry a key or an id of their own. An update or a delete that may have been
# sent is not repeated: its second answer would be a false 412 or 404.
_REPEATABLE = (
    (SERVICE, "ListPayments"),
    ("payments.v1.CoalescingService", "GetPayments"),
    ("payments.v1.CoalescingService", "CreatePayments"),
    ("payments.v1.ListingService", "ListPaymentsJson"),
)

_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    # A server without its database says NOT_SERVING for the service and gets no calls.
    "healthCheckConfig": {"serviceName": SERVICE},
    "methodConfig": [
        {
            "name": [{"service": service, "method": method} for service, method in _REPEATABLE],
            "retryPolicy": {
                "maxAttempts": 4,
                # A quarter of a second in all: enough for a new connection, and too little to keep callers waiting for a lost database.
                "initialBackoff": "0.05s",
                "maxBackoff": "0.1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}

_OPTIONS = [
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.dns_min_time_between_resolutions_ms", 5_000),  # gRPC's default of 30 s keeps new servers idle for as long
    # In a rolling restart the next server leaves when this one is back: by then it should have been found.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 100),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Of the pings that measure bandwidth: keepalive sends none while one of them is out, which on a dead connection is 60 s by default.
    ("grpc.http2.ping_timeout_ms", 5_000),
    # The most that comes back at once are the documents of 256 calls that travel together, 64 KiB each and half as much again for the
    # spaces that PostgreSQL writes. Any other answer is within gRPC's own 4 MiB.
    ("grpc.max_receive_message_length", MAX_REPLY),
    ("grpc.enable_http_proxy", 0),  # the server is inside; a proxy of the environment is for the outside
]


def open_channel(target: str, tls: CertificateFiles | None, server_name: str | None, grace: float) -> grpc.aio.Channel:
    """A channel to a gRPC target (gRPC's name syntax, such as `dns:///host:port` or `ipv4:10.0.0.1:50051,10.0.0.2:50051`).

    With `tls` the server's certificate has to be of the CA and have the name `server_name`, else the target's host; a certificate is shown
    where one is given. When the files are replaced, calls in flight have `grace` seconds on the old ones. Raises UnusableCertificates.
    """
    if tls is None:
        return grpc.aio.insecure_channel(target, options=_OPTIONS)
    options = [*_OPTIONS, ("grpc.ssl_target_name_override", server_name)] if server_name else _OPTIONS

    def secure_channel(certificates: Certificates) -> grpc.aio.Channel:
        note_certificate("gateway", certificates)
        credentials = grpc.ssl_channel_credentials(certificates.ca, certificates.key, certificates.certificate)
        return grpc.aio.secure_channel(target, credentials, options=options)

    return RotatingChannel(CertificateWatch(tls), secure_channel, grace)
