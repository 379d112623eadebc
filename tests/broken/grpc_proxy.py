"""A server with a fault: it stands before one that works."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from payments.v1.payments_pb2 import DeletePaymentRequest, Payment
from tests.broken.faults import Faults

_SERVICE = "/payments.v1.PaymentService/"
_AT_ONCE = 128


class _Passing(grpc.GenericRpcHandler):
    """All methods, whose messages are passed on as they are."""

    def __init__(self, channel: grpc.Channel, faults: Faults) -> None:
        self._channel = channel
        self._faults = faults
        self._methods: dict[str, Callable[..., Any]] = {}

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        method = details.method
        if method.endswith(("/Watch", "/ServerReflectionInfo")):
            return None  # streams: UNIMPLEMENTED, and clients do without

        def call(message: bytes, context: grpc.ServicerContext) -> bytes:
            if self._faults.fails():
                context.abort(grpc.StatusCode.INTERNAL, "broken on purpose")
            metadata = [(key, value) for key, value in context.invocation_metadata() if not key.startswith(("user-agent", "grpc-"))]
            try:
                answer: bytes = self._call(method, message, metadata, context.time_remaining())
            except grpc.RpcError as error:
                context.set_trailing_metadata(tuple((each.key, each.value) for each in error.trailing_metadata() or ()))
                context.abort(error.code(), error.details() or "")
            if method == f"{_SERVICE}CreatePayment" and self._faults.loses():
                request = DeletePaymentRequest(id=Payment.FromString(answer).id).SerializeToString()
                self._call(f"{_SERVICE}DeletePayment", request, metadata, None)
            return answer

        return grpc.unary_unary_rpc_method_handler(call)

    def _call(self, method: str, message: bytes, metadata: Any, timeout: float | None) -> Any:
        if method not in self._methods:
            self._methods[method] = self._channel.unary_unary(method)
        return self._methods[method](message, metadata=metadata, timeout=timeout)


class GrpcProxy:
    """Listens until it is closed. `certificate`: PEM files of a certificate and its key, where it has TLS."""

    def __init__(self, target: str, faults: Faults, certificate: tuple[Path, Path] | None = None) -> None:
        self._channel = grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)])
        self._server = grpc.server(ThreadPoolExecutor(_AT_ONCE), [_Passing(self._channel, faults)])
        if certificate:
            chain, key = (path.read_bytes() for path in certificate)
            port = self._server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
        else:
            port = self._server.add_insecure_port("127.0.0.1:0")
        self.target = f"127.0.0.1:{port}"
        self._server.start()

    def close(self) -> None:
        self._server.stop(None).wait()
        self._channel.close()
