"""A gateway with a fault: it stands before one that works."""

import http.client
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.broken.faults import Faults

_PASSED = ("content-type", "etag", "link", "payments-version", "retry-after", "allow", "location")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet
    faults: Faults
    address: tuple[str, int]
    _behind: http.client.HTTPConnection | None = None

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.faults.fails():
            self._answer(
                500, {"Content-Type": "application/problem+json"}, b'{"title": "Internal Server Error", "status": 500, "code": "INTERNAL"}'
            )
            return
        status, headers, content = self._exchange(self.command, self.path, body)
        if self.path == "/create" and status == 200 and self.faults.loses():
            self._exchange("DELETE", f"/delete/{json.loads(content)['id']}", b"")
        self._answer(status, {name: value for name, value in headers.items() if name.lower() in _PASSED}, content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = pass_on

    def _exchange(self, method: str, path: str, body: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
        if self._behind is None:
            self._behind = http.client.HTTPConnection(*self.address)
        named = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "content-length")}
        self._behind.request(method, path, body or None, named)
        answer = self._behind.getresponse()
        return answer.status, answer.headers, answer.read()

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def finish(self) -> None:
        if self._behind:
            self._behind.close()
        super().finish()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # those that are never answered
    request_queue_size = 1024

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is none."""


class RestProxy:
    """Listens until it is closed. `certificate`: PEM files of a certificate and its key, where it has TLS."""

    def __init__(self, url: str, faults: Faults, certificate: tuple[Path, Path] | None = None) -> None:
        parts = urlsplit(url)
        handler = type("Handler", (_Handler,), {"faults": faults, "address": (parts.hostname, parts.port)})
        self._server = _Server(("127.0.0.1", 0), handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
