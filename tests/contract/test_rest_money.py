"""Money is a JSON number from 0.00 to 99999.99 and never a binary float: the tests read the text, not a parsed number."""

import re

import pytest

from tests.database import Database
from tests.rest import Rest, assert_problem, document, shown_payment

ACCEPTED = {
    "0": "0.00",
    "0.0": "0.00",
    "0.00": "0.00",
    "0.01": "0.01",
    "0.1": "0.10",
    "0.29": "0.29",
    "1": "1.00",
    "1.1": "1.10",
    "9.95": "9.95",
    "1234.5": "1234.50",
    "1234.50": "1234.50",
    "70368.74": "70368.74",
    "99999.9": "99999.90",
    "99999.99": "99999.99",
}
REFUSED = [
    "100000",
    "100000.00",
    "99999.991",
    "0.001",
    "1.000",
    "-1",
    "-0.01",
    "-0",
    "-0.0",
    "1e3",
    "1E3",
    "1e-2",
    "1e400",
    "0e0",
    "1" * 400,
    "0." + "0" * 4000,
    '"12.50"',
    '"1.234,50"',
    '""',
    "true",
    "null",
    "[]",
    "[1]",
    "{}",
]
MALFORMED = ["NaN", "Infinity", "-Infinity", "1.234,50", "1,5", "012", "+1", ".5", "5.", "1.2.3", "0x10", "1_000", "--1", "\uff11", ""]


@pytest.mark.parametrize(("sent", "shown"), ACCEPTED.items())
def test_money_is_shown_with_two_decimals(rest: Rest, stored: Database, sent: str, shown: str) -> None:
    created = rest.post("/create", body=document(payment=sent))
    assert created.status_code == 200, created.text
    id = created.json()["id"]
    assert shown_payment(created) == shown
    assert shown_payment(rest.get(f"/get/{id}")) == shown
    assert stored.rows("SELECT payment::text FROM payments WHERE id = %s", id) == [(shown,)]
    assert shown_payment(rest.put(f"/update/{id}", value={"status": "consumed"})) == shown
    assert shown_payment(rest.delete(f"/delete/{id}")) == shown


def test_money_is_exact_in_lists_and_batches(rest: Rest, stored: Database) -> None:
    stored.clear()
    sent = [f"{cents // 100}.{cents % 100:02}" for cents in range(0, 9_999_999, 100_003)]
    batch = rest.post("/create:batch", body='{"requests":[' + ",".join(document(payment=amount) for amount in sent) + "]}")
    for answer in (batch, rest.get("/list"), rest.get("/list?page_size=1000")):
        assert re.findall(r'"payment"\s*:\s*([0-9.]+)', answer.text) == sent


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("sent", REFUSED)
def test_money_of_another_form_is_refused_with_the_form_expected(rest: Rest, sent: str) -> None:
    problem = assert_problem(
        rest.post("/create", body=document(payment=sent)), 400, "INVALID_ARGUMENT", reason="INVALID_FIELD", field="payment"
    )
    (error,) = problem["errors"]
    assert re.search(r"99999\.99|decimals|JSON number|required", error["description"]), error


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("sent", MALFORMED)
def test_money_that_is_no_json_is_refused(rest: Rest, sent: str) -> None:
    assert_problem(rest.post("/create", body=document(payment=sent).encode()), 400, "INVALID_ARGUMENT")


@pytest.mark.usefixtures("nothing_written")
def test_a_payment_without_money_is_refused(rest: Rest) -> None:
    assert_problem(rest.post("/create", body='{"data":{}}'), 400, "INVALID_ARGUMENT", reason="INVALID_FIELD", field="payment")
