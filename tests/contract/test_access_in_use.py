"""API keys under load and while they change: nobody gets what is another's, and a key that is taken away is of no use at once."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests

from payments.v1 import payments_pb2 as pb
from server.tests.server_process import Server
from tests.database import Database
from tests.keyed import FORMER, NOTICED, OTHER, READER, WRITER, Keyed
from tests.rest import document

AT_ONCE = 32
ROUNDS = 10


def at_once(keyed: Keyed, clients: list[str], body: str, key: str = "") -> list[requests.Response]:
    """A create of each client, in the order of the clients."""

    def create(client: str) -> requests.Response:
        return keyed.rest().post("/create", body=body.replace("CLIENT", client), headers=keyed.bearer(client) | idempotency)

    idempotency = {"Idempotency-Key": key} if key else {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(create, clients))


def test_each_of_many_callers_at_once_is_judged_by_its_own_key(keyed: Keyed) -> None:
    expected = {WRITER: 200, READER: 403, "": 401, OTHER: 200, "stranger": 401, FORMER: 401}
    clients = list(expected) * 60
    for client, answer in zip(clients, at_once(keyed, clients, document('{"by":"CLIENT"}')), strict=True):
        assert answer.status_code == expected[client], (client, answer.text)
        if answer.status_code == 200:
            assert answer.json()["data"] == {"by": client}


def test_one_idempotency_key_is_two_clients_two_payments(keyed: Keyed, stored: Database) -> None:
    before = stored.count()
    with keyed.another("third", "write"):
        clients = [WRITER, OTHER, "third"]
        for number in range(ROUNDS):
            answers = at_once(keyed, clients * 8, document('{"by":"CLIENT"}'), f"{uuid.uuid4()}-{number}")
            assert [answer.status_code for answer in answers] == [200] * 24
            ids = [answer.json()["id"] for answer in answers]
            assert ids == ids[:3] * 8 and len(set(ids)) == 3
            assert [answer.json()["data"]["by"] for answer in answers] == clients * 8
    assert stored.count() == before + 3 * ROUNDS


@pytest.mark.parametrize("path", ["/create", "/create:batch"])
def test_another_clients_idempotency_key_makes_no_conflict(keyed: Keyed, path: str) -> None:
    """Over REST and gRPC, and whether the create travels alone, with others, or in a batch."""
    key = str(uuid.uuid4())

    def create(client: str, amount: str) -> tuple[int, str]:
        item = f'{{"data":{{}},"payment":{amount},"request_id":"{key}"}}'
        body = item if path == "/create" else f'{{"requests":[{item}]}}'
        answer = keyed.rest().post(path, body=body, headers=keyed.bearer(client))
        result = answer.json() if path == "/create" else answer.json()["results"][0]
        return answer.status_code, result.get("id") or result.get("payment", {}).get("id", "")

    mine, yours = create(WRITER, "1"), create(OTHER, "2")
    assert mine[1] and yours[1] and mine[1] != yours[1]
    assert create(WRITER, "1") == mine and create(OTHER, "2") == yours
    assert create(WRITER, "2")[1] == ""
    request = pb.CreatePaymentRequest(data="{}", payment="2", request_id=key)
    assert keyed.server.payments.CreatePayment(request, metadata=keyed.metadata(OTHER), timeout=10).id == yours[1]


class Load:
    """Creates of one client all the time, by REST from several connections and by gRPC."""

    def __init__(self, keyed: Keyed, client: str) -> None:
        self.answers: list[tuple[float, int]] = []  # when each call began, and its HTTP status
        self._keyed = keyed
        self._client = client
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._rest, self._rest, self._rest, self._grpc)]

    def _rest(self) -> None:
        rest = self._keyed.rest()
        while not self._stop.is_set():
            begin = time.monotonic()
            self.answers.append((begin, rest.post("/create", body=document(), headers=self._keyed.bearer(self._client)).status_code))

    def _grpc(self) -> None:
        while not self._stop.is_set():
            begin, code = time.monotonic(), 200
            try:
                request = pb.CreatePaymentRequest(data="{}", payment="1")
                self._keyed.server.payments.CreatePayment(request, metadata=self._keyed.metadata(self._client), timeout=10)
            except grpc.RpcError as error:
                code = 401 if error.code() == grpc.StatusCode.UNAUTHENTICATED else 500  # type: ignore[attr-defined]
            self.answers.append((begin, code))

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_a_key_that_is_taken_away_lets_nobody_in_a_moment_later_and_others_notice_nothing(keyed: Keyed) -> None:
    with Load(keyed, WRITER) as staying:
        with keyed.another("leaving", "write"), Load(keyed, "leaving") as leaving:
            time.sleep(0.5)
            assert {status for _, status in leaving.answers} == {200}
            keyed.remove("leaving")
            removed = time.monotonic()
            time.sleep(NOTICED + 0.5)
        assert {status for _, status in leaving.answers} == {200, 401}
        assert {status for begin, status in leaving.answers if begin > removed + NOTICED} == {401}
    assert len(staying.answers) > 50
    assert {status for _, status in staying.answers} == {200}


def test_a_broken_file_changes_nothing_and_the_log_names_the_line(keyed: Keyed) -> None:
    good = keyed.file.read_text()
    try:
        keyed.file.write_text(f"{good}broken\n")
        keyed.server.line(rf"{keyed.file}, line 5: .*stay in force")
        keyed.until(READER, 404)
    finally:
        keyed.file.write_text(good)


@pytest.fixture
def long_list(stored: Database) -> Iterator[None]:
    """80 MB of payments: more than fits between the server and a client that does not read."""
    stored.execute(
        """INSERT INTO payments (id, status, data, payment)
        SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1, jsonb_build_object('text', repeat('x', 40000)), 1
        FROM generate_series(1, 2000) AS n"""
    )
    yield
    stored.clear()


def test_a_list_whose_key_is_taken_away_is_cut_off_and_never_closed(keyed: Keyed, long_list: None) -> None:
    with keyed.another("streaming", "read"):
        answer = keyed.rest().get("/list", headers=keyed.bearer("streaming"), stream=True)
        assert answer.status_code == 200
        chunks = answer.iter_content(1 << 16)
        received = next(chunks)
        keyed.remove("streaming")
        keyed.until("streaming", 401)
        with pytest.raises(requests.exceptions.RequestException):
            for chunk in chunks:
                received = chunk
        assert not received.endswith(b"]")
        keyed.gateway.line(r"GET /list failed, request \S+, client streaming")


def test_log_and_metrics_name_clients_and_never_a_key(keyed: Keyed) -> None:
    for client in keyed.keys.keys() | {"", "stranger"}:
        keyed.rest().post("/create", body=document(), headers=keyed.bearer(client))
        keyed.rest().get("/list", headers=keyed.bearer(client))
    served, answered = keyed.server.metrics(), keyed.gateway.metrics()

    def clients(samples: dict[str, float], name: str) -> set[str]:
        return {sample.partition('client="')[2].partition('"')[0] for sample in samples if sample.startswith(name)}

    known = {READER, WRITER, OTHER}
    for samples, name in ((served, "payments_server_client_calls_total"), (answered, "payments_gateway_client_requests_total")):
        assert known <= clients(samples, name) <= known | {"third", "leaving", "streaming"}
    label = f'client="{READER}",grpc_code="PERMISSION_DENIED",grpc_method="CreatePayment"'
    assert served[f"payments_server_client_calls_total{{{label}}}"] >= 1
    assert answered[f'payments_gateway_client_requests_total{{client="{READER}",status="403"}}'] >= 1
    keyed.server.line(rf"4 API keys, 1 of them expired, of: {FORMER}, {OTHER}, {READER}, {WRITER}")

    secrets = [*keyed.keys.values(), *(line.split(":")[2] for line in keyed.file.read_text().splitlines())]
    places: dict[str, Any] = {"server log": keyed.server.text, "gateway log": keyed.gateway.text, "metrics": f"{served}{answered}"}
    for name, process in (("server", keyed.server.process), ("gateway", keyed.gateway.process)):
        places |= {f"{name} {file}": Path(f"/proc/{process.pid}/{file}").read_bytes().decode() for file in ("cmdline", "environ")}
    assert not [(place, secret[:14]) for place, text in places.items() for secret in secrets if secret in text]


def test_without_a_file_the_server_says_once_that_it_is_open(keyed: Keyed) -> None:
    assert "no --api-keys-file" not in keyed.server.text
    with Server("postgresql://payments@127.0.0.1:1/none", "--workers", "2") as server:
        server.wait_until(lambda: server.text.count("gRPC listening") == 2)
        assert server.text.count("no --api-keys-file") == 1
