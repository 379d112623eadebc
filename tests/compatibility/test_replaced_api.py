"""Drives the five endpoints of the replaced Flask API the way its clients do: requests, json=, and a look at the answer."""

from typing import Any

import pytest
import requests

from local.stack import Stack


@pytest.fixture
def url(running: Stack) -> str:
    return running.rest_url.rstrip("/")


@pytest.fixture
def stored_payment(url: str) -> dict[str, Any]:
    response = requests.post(f"{url}/create", json={"data": {"customer": "Ada", "items": [1, 2]}, "payment": 1234.5})
    assert response.status_code == 200, response.text
    payment: dict[str, Any] = response.json()
    return payment


def test_create_answers_with_the_payment(stored_payment: dict[str, Any]) -> None:
    assert stored_payment["id"]
    assert stored_payment["status"] == "inserted"
    assert stored_payment["data"] == {"customer": "Ada", "items": [1, 2]}
    assert stored_payment["payment"] == 1234.5


@pytest.mark.parametrize("payment", [0, 1, 10.5, 99.99, 1234.56, 99999.99])
def test_create_takes_the_numbers_that_json_makes_of_python_floats(url: str, payment: float) -> None:
    response = requests.post(f"{url}/create", json={"status": "inserted", "data": {}, "payment": payment})
    assert response.status_code == 200, response.text
    assert response.json()["payment"] == payment


def test_update_consumes_a_payment(url: str, stored_payment: dict[str, Any]) -> None:
    response = requests.put(f"{url}/update/{stored_payment['id']}", json={"status": "consumed"})
    assert response.status_code == 200
    assert response.json()["id"] == stored_payment["id"]
    assert response.json()["status"] == "consumed"


def test_list_is_a_bare_array_of_every_payment(url: str, stored_payment: dict[str, Any]) -> None:
    requests.put(f"{url}/update/{stored_payment['id']}", json={"status": "consumed"})
    response = requests.get(f"{url}/list")
    assert response.status_code == 200
    payments = response.json()
    assert isinstance(payments, list)
    (found,) = [payment for payment in payments if payment["id"] == stored_payment["id"]]
    assert (found["status"], found["data"], found["payment"]) == ("consumed", stored_payment["data"], 1234.5)


def test_list_knows_more_payments_than_a_page_holds(url: str) -> None:
    before = len(requests.get(f"{url}/list").json())
    with requests.Session() as session:
        for number in range(120):
            assert session.post(f"{url}/create", json={"data": {"n": number}, "payment": 1}).ok
    assert len(requests.get(f"{url}/list").json()) == before + 120


def test_delete_returns_the_payment(url: str, stored_payment: dict[str, Any]) -> None:
    response = requests.delete(f"{url}/delete/{stored_payment['id']}")
    assert response.status_code == 200
    assert response.json() == stored_payment
    assert stored_payment["id"] not in [payment["id"] for payment in requests.get(f"{url}/list").json()]
    assert requests.delete(f"{url}/delete/{stored_payment['id']}").status_code == 404


def test_status_answers_ok(url: str) -> None:
    response = requests.get(f"{url}/status")
    assert (response.status_code, response.text) == (200, "ok")


def test_a_whole_life_of_a_payment(url: str) -> None:
    id = requests.post(f"{url}/create", json={"data": {"a": None}, "payment": 0.1}).json()["id"]
    assert requests.put(f"{url}/update/{id}", json={"status": "consumed"}).json()["status"] == "consumed"
    assert requests.put(f"{url}/update/{id}", json={"status": "inserted"}).json()["status"] == "inserted"
    assert requests.delete(f"{url}/delete/{id}").json()["id"] == id
    assert requests.put(f"{url}/update/{id}", json={"status": "consumed"}).status_code == 404
