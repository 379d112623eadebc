"""GET /status speaks of the whole service; /livez and /readyz of the gateway alone."""

import time

import pytest

from local.stack import Stack
from tests.rest import Rest, assert_marks, assert_problem, document


def test_status_answers_ok_and_the_version(rest: Rest) -> None:
    answer = rest.get("/status")
    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["Content-Type"].split(";")[0] == "text/plain"
    assert answer.headers["Payments-Version"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert_marks(answer)


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_the_probes_answer(rest: Rest, path: str) -> None:
    answer = rest.get(path)
    assert answer.status_code == 200
    assert_marks(answer)


def test_a_lost_server_is_503_and_everything_comes_back_with_it(running: Stack, rest: Rest) -> None:
    id = rest.create()["id"]
    running.server.kill()
    try:
        assert_problem(rest.get("/status"), 503, "UNAVAILABLE")
        assert rest.get("/livez").status_code == 200
        assert rest.get("/readyz").status_code == 200
        for answer in (
            rest.get("/list"),
            rest.get("/list?page_size=1"),
            rest.get(f"/get/{id}"),
            rest.post("/create", body=document()),
            rest.put(f"/update/{id}", value={"status": "consumed"}),
            rest.delete(f"/delete/{id}"),
        ):
            assert_problem(answer, 503, "UNAVAILABLE")
        assert_problem(rest.get("/get/1?foo=1"), 400)
    finally:
        running.server.restart()
    wait_until_ok(rest)
    assert rest.get(f"/get/{id}").json()["status"] == "inserted"


def wait_until_ok(rest: Rest, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while rest.get("/status").status_code != 200:
        assert time.monotonic() < deadline, "the service did not come back"
        time.sleep(0.1)
