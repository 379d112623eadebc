"""The smoke test of a deployment, against services that work and ones that do not."""

import os
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from local.stack import Stack
from tests.keyed import READER, WRITER, Keyed

SMOKE = Path(__file__).parents[2] / "ci" / "smoke"


def smoke(url: str, key: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SMOKE, url], env={**os.environ, "PAYMENTS_API_KEY": key, "no_proxy": "*"}, capture_output=True, text=True, timeout=120
    )


def test_a_service_that_works_passes_and_keeps_nothing_of_it(running: Stack) -> None:
    tried = smoke(running.rest_url)
    assert tried.returncode == 0, tried.stderr


def test_a_service_with_keys_passes_with_a_key_that_may_write(keyed: Keyed) -> None:
    tried = smoke(f"http://{keyed.gateway.address}", keyed.keys[WRITER])
    assert tried.returncode == 0, tried.stderr


def test_a_key_that_may_only_read_fails_and_is_not_shown(keyed: Keyed) -> None:
    tried = smoke(f"http://{keyed.gateway.address}", keyed.keys[READER])
    assert tried.returncode == 1
    assert "/create answered 403 instead of 200" in tried.stderr
    assert keyed.keys[READER] not in tried.stdout + tried.stderr


def test_nobody_who_listens_fails() -> None:
    tried = smoke("http://127.0.0.1:1")
    assert tried.returncode == 1
    assert "/status got no answer" in tried.stderr


class SaysYes(BaseHTTPRequestHandler):
    """Answers everything with 200 and no payment."""

    def answer(self) -> None:
        body = b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_answers_of_200_alone_are_not_enough() -> None:
    with HTTPServer(("127.0.0.1", 0), SaysYes) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            tried = smoke(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
    assert tried.returncode == 1
    assert "has no id" in tried.stderr
