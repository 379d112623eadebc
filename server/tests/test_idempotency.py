"""When two creates are the same."""

import pytest

from server import idempotency


def fingerprint(data: str = "{}", payment: str = "1", status: int = 1) -> bytes:
    return idempotency.fingerprint(status, payment, data)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1}', '{ "a" : 1.0 }'),
        ('{"a":100}', '{"a":1e2}'),
        ('{"a":0}', '{"a":-0.0}'),
        ('{"a":1,"b":2}', '{"b":2,"a":1}'),
        ('{"a":"é"}', '{"a":"\\u00e9"}'),
    ],
)
def test_equal_values_have_one_fingerprint(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1}', '{"a":"1"}'),
        ('{"a":1}', '{"a":true}'),
        ('{"a":1}', '{"a":-1}'),
        ('{"a":[1,2]}', '{"a":[2,1]}'),
        ('{"a":null}', "{}"),
        ('{"a":12345678901234567890}', '{"a":12345678901234567891}'),
    ],
)
def test_other_values_have_another(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_money_and_status_are_part_of_the_content() -> None:
    assert fingerprint(payment="1") == fingerprint(payment="1.00")
    assert fingerprint(payment="1") != fingerprint(payment="1.01")
    assert fingerprint(status=1) != fingerprint(status=2)


@pytest.mark.parametrize(
    ("text", "valid"), [("k", True), ("~" * 64, True), ("k" * 65, False), ("", False), ("a b", False), ("é", False), ("k\n", False)]
)
def test_keys_are_visible_ascii(text: str, valid: bool) -> None:
    assert idempotency.is_key(text) is valid
