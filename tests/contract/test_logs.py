"""The log of both processes: a line a request, by whose ids it is followed, and nothing of what payments hold or of what opens doors."""

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from gateway.tests.gateway_process import ANY, COMMAND, Gateway
from local.stack import Stack
from process.tests.running_process import RunningProcess
from server.tests.server_process import Server
from tests.keyed import new_key
from tests.pair import pair
from tests.rest import Rest, document

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
FIELDS = ["time", "level", "logger", "event", "request_id", "trace_id", "client", "method", "route", "code", "duration", "received", "sent"]
Line = dict[str, Any]


@pytest.fixture(scope="module")
def watched(running: Stack) -> Iterator[tuple[Server, Gateway, Rest]]:
    with pair(running) as (server, gateway):
        yield server, gateway, Rest(f"http://{gateway.address}")


def line(process: RunningProcess, request_id: str) -> Line:
    """Waits for the only line of a request."""
    process.wait_until(lambda: any(each["request_id"] == request_id for each in list(process.requests)))
    (found,) = [each for each in process.requests if each["request_id"] == request_id]
    assert list(found) == FIELDS
    return found


def test_a_request_is_followed_by_its_ids_through_both_logs(watched: tuple[Server, Gateway, Rest]) -> None:
    server, gateway, rest = watched
    body = document('{"order": 17}')
    headers = {"X-Request-Id": "followed", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    answer = rest.post("/create", body=body, headers=headers)
    at_gateway, at_server = line(gateway, "followed"), line(server, "followed")
    assert at_gateway["trace_id"] == at_server["trace_id"] == TRACE
    assert (at_gateway["method"], at_gateway["route"], at_gateway["code"]) == ("POST", "/create", 200)
    assert (at_gateway["received"], at_gateway["sent"]) == (len(body), len(answer.content))
    assert (at_server["method"], at_server["route"], at_server["code"]) == (
        "CreatePayment",
        "/payments.v1.PaymentService/CreatePayment",
        "OK",
    )
    assert 0 < at_server["duration"] < at_gateway["duration"] < 10 and at_server["received"] > 0 and at_server["sent"] > 0
    server.wait_until(lambda: any('"logger":"audit"' in each and '"request_id":"followed"' in each for each in list(server.lines)))


def test_requests_that_travel_together_have_a_line_each(watched: tuple[Server, Gateway, Rest]) -> None:
    server, gateway, rest = watched
    names = [f"together-{number}" for number in range(64)]
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda name: Rest(rest.url).post("/create", body=document(), headers={"X-Request-Id": name}), names)
        assert {answer.status_code for answer in answers} == {200}
    for name in names:
        assert line(gateway, name)["code"] == 200 and line(server, name)["code"] == "OK"


def test_what_fails_has_a_line_by_its_template_and_never_its_path(watched: tuple[Server, Gateway, Rest]) -> None:
    server, gateway, rest = watched
    rest.get("/get/the-secret", headers={"X-Request-Id": "bad-id"})
    rest.request("PURGE", "/the-secret", headers={"X-Request-Id": "nowhere"})
    assert (line(gateway, "bad-id")["route"], line(gateway, "bad-id")["code"]) == ("/get/{id}", 400)
    assert line(server, "bad-id")["code"] == "INVALID_ARGUMENT"
    assert (line(gateway, "nowhere")["method"], line(gateway, "nowhere")["route"]) == ("unknown", "unknown")
    assert "the-secret" not in gateway.text + server.text


def test_probes_leave_no_line(watched: tuple[Server, Gateway, Rest]) -> None:
    server, gateway, rest = watched
    for path in ("/livez", "/readyz", "/status"):
        rest.get(path)
    rest.get("/list?page_size=1", headers={"X-Request-Id": "after"})
    line(gateway, "after"), line(server, "after")
    assert not [each for each in gateway.requests if each["route"] in ("/livez", "/readyz", "/status") and each["code"] == 200]
    assert not [each for each in server.requests if "Health" in each["route"]]


@pytest.mark.parametrize("level", ["debug", "info"])
def test_neither_payments_nor_what_opens_doors_is_in_any_line(running: Stack, tmp_path: Any, level: str) -> None:
    (tmp_path / "keys").write_text(f"{(made := new_key('shop', 'write', None))[1]}\n")
    key, password, data = made[0], "the-password", "the-content"
    url = running.database_url.replace("payments@", f"payments:{password}@")
    assert password in url
    options = ("--api-keys-file", str(tmp_path / "keys"))
    variables = {"PAYMENTS_SERVER_LOG_LEVEL": level, "PAYMENTS_GATEWAY_LOG_LEVEL": level}
    with pair(replace(running, database_url=url), options, ["--api-keys"], **variables) as (server, gateway):
        rest = Rest(f"http://{gateway.address}")
        for authorization in (f"Bearer {key}", f"Basic {key}", f"Bearer {key}x"):
            headers = {"Authorization": authorization, "Idempotency-Key": "the-idempotency-key"}
            rest.post("/create", body=document(f'{{"note":"{data}"}}', "77.77"), headers=headers)
            rest.post("/create", body=f'{{"data":"{data}","payment":77.77', headers=headers)
            rest.get(f"/list?note={data}", headers=headers)
            rest.get("/list", headers=headers)
        assert (gateway.stop()[0], server.stop()[0]) == (0, 0)
        assert {each["client"] for each in gateway.requests} >= {"", "shop"}
        for text in (server.text, gateway.text):
            assert not [secret for secret in (key, key[9:], password, data, "77.77", "the-idempotency-key") if secret in text]


def test_a_log_that_nobody_reads_holds_no_request_up() -> None:
    reading, writing = os.pipe()
    command = [str(COMMAND), "serve", "--listen", ANY, "--metrics-listen", ANY, "--server", "127.0.0.1:1"]
    process = subprocess.Popen(command, stdout=writing, start_new_session=True)
    try:
        text = ""
        while "REST listening on " not in text:
            text += os.read(reading, 4096).decode()
        rest = Rest(f"http://{text.partition('REST listening on ')[2].partition(',')[0]}")
        for _ in range(500):  # lines for twice the pipe's size
            assert rest.get("/nothing").status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)
