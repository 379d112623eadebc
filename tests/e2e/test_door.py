"""What the public meets: which paths, which headers, which limits."""

import http.client
import json
import socket
import threading
from collections import Counter

import pytest

from tests.e2e.callers import CALLER
from tests.e2e.kubectl import kubectl, run_python, until
from tests.e2e.service import HOST, Door
from tests.rest import document, exact

ASK = """
import http.client, socket, ssl, sys
address, port, host = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
connection = http.client.HTTPConnection(host)
connection.sock = context.wrap_socket(socket.create_connection((address, port), 10), server_hostname=host)
for _ in range(20):
    connection.request("GET", "/status")
    answer = connection.getresponse()
    answer.read()
    print(answer.status)
"""


def test_a_payment_is_made_by_the_hosts_name(door: Door) -> None:
    created = door.rest().create('{"order": 17}', "1234.50")
    assert exact(door.rest().get(f"/get/{created['id']}"))["data"] == {"order": 17}


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/livez", "/readyz", "/metrics", "/create/", "/statusx"])
def test_nothing_but_the_api_is_public(door: Door, path: str) -> None:
    assert door.rest().get(path).status_code == 404


def test_methods_are_the_gateways_to_refuse(door: Door) -> None:
    answer = door.rest().request("PATCH", "/list")
    assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]


def test_tls_is_to_be_remembered(door: Door) -> None:
    assert door.rest().get("/status").headers["Strict-Transport-Security"].startswith("max-age=31536000; includeSubDomains")


def test_another_host_is_not_answered(door: Door) -> None:
    with pytest.raises(OSError), door.context.wrap_socket(socket.create_connection(door.address, 10), server_hostname="other.example"):
        pass


def test_nothing_is_served_without_tls(door: Door) -> None:
    """Neither redirected nor served: a request in the clear is refused where it was sent, and port 80 is not there."""
    connection = http.client.HTTPConnection(*door.address, timeout=10)
    connection.request("GET", "/status", headers={"Host": HOST})
    assert connection.getresponse().status == 400
    with pytest.raises(OSError):
        socket.create_connection((door.address[0], 80), timeout=3)


def test_a_body_that_is_too_large_is_the_gateways_to_refuse_and_one_far_too_large_nginxs(door: Door) -> None:
    above = door.rest().post("/create", body=document(f'{{"x": "{"x" * (1 << 20)}"}}'))
    assert (above.status_code, above.headers["Content-Type"]) == (413, "application/problem+json")
    assert door.rest().post("/create", body=b"x" * (3 << 20)).status_code == 413


def test_the_requests_id_is_passed_on_and_in_nginxs_log_with_the_clients_address(door: Door) -> None:
    answer = door.rest().get("/status", headers={"X-Request-Id": "e2e-request-17"})
    assert answer.headers["X-Request-Id"] == "e2e-request-17"
    line = until(lambda: [each for each in _log() if each.get("request_id") == "e2e-request-17"], "the request is in the log", 30)[0]
    assert (line["status"], line["path"]) == (200, "/status")
    assert line["client"] == _own_address(door)


def test_a_client_that_asks_too_often_gets_429_and_no_other_client_does(door: Door, callers: None) -> None:
    seen: Counter[int] = Counter()
    rests = [door.rest() for _ in range(8)]

    def ask(number: int) -> None:
        for _ in range(100):
            seen[rests[number].get("/status").status_code] += 1

    # The limit is 100 a second and 200 at once; nothing here can take so long that 800 were within it.
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    other = run_python("caller", ASK, *map(str, door.address), HOST, namespace=CALLER).split()
    for thread in threads:
        thread.join()
    assert other == ["200"] * 20
    assert set(seen) == {200, 429}, seen
    assert seen[200] >= 200
    # The clients' own addresses, and not that of a proxy before nginx.
    refused = [line for line in _log() if line["status"] == 429]
    assert {line["client"] for line in refused} == {_own_address(door)}


def _log() -> list[dict[str, object]]:
    text = kubectl("logs", "deployment/nginx-ingress", "--container", "nginx-ingress", "--tail", "2000", namespace="nginx-ingress")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _own_address(door: Door) -> str:
    """That of this machine on the way to the door."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(door.address)
        return str(way.getsockname()[0])
