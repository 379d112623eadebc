"""`make run`: starts the service on this machine, says where it is, and stops it cleanly on Ctrl-C."""

import errno
import os
import socket
import sys
import time

from local.signals import Signals, Stopped
from local.stack import HOST, CannotStart, Ports, Stack, stack
from server import embedded

# What listens where, and the variable that moves it.
_PORTS = {
    "rest": ("PAYMENTS_REST_PORT", 8080),
    "grpc": ("PAYMENTS_GRPC_PORT", 50051),
    "server_metrics": ("PAYMENTS_SERVER_METRICS_PORT", 9464),
    "gateway_metrics": ("PAYMENTS_GATEWAY_METRICS_PORT", 9465),
}
_GRPC_BODY = '{"data": "{\\"order\\": 17}", "payment": "1234.50"}'


def main() -> int:
    signals = Signals()
    try:
        ports = _ports()
        with stack(embedded.default_folder(), ports, os.environ.get("DATABASE_URL"), sys.stdout.buffer, signals.check) as running:
            _announce(running)
            _watch(running, signals)
    except Stopped:
        return 0
    except (CannotStart, embedded.EmbeddedPostgresError) as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    return 0


def _ports() -> Ports:
    ports = {}
    for name, (variable, default) in _PORTS.items():
        text = os.environ.get(variable, str(default))
        if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
            raise CannotStart(f"{variable}={text} is not a port")
        ports[name] = int(text)
        try:
            socket.create_server((HOST, ports[name])).close()
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            raise CannotStart(f"port {text} {why}; set {variable} to another one") from None
    return Ports(**ports)


def _announce(running: Stack) -> None:
    ports = running.ports
    print(
        f"""
  REST      {running.rest_url}
  Docs      {running.rest_url}/docs
  gRPC      {running.grpc_target}
  Metrics   http://{HOST}:{ports.server_metrics}/metrics (server), http://{HOST}:{ports.gateway_metrics}/metrics (gateway)

  curl {running.rest_url}/create -H 'Content-Type: application/json' -d '{{"data": {{"order": 17}}, "payment": 1234.50}}'
  grpcurl -plaintext -d '{_GRPC_BODY}' {running.grpc_target} payments.v1.PaymentService/CreatePayment

  Ctrl-C stops everything; the data stay.
""",
        flush=True,
    )


def _watch(running: Stack, signals: Signals) -> None:
    while True:
        signals.check()
        for part in (running.server, running.gateway):
            if part.poll() is not None:
                raise CannotStart(f"{part.name} ended with exit code {part.poll()}; stopping the rest")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
