"""Amounts: 0.00 to 99999.99, exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import money


@given(st.integers(0, 9_999_999))
def test_every_amount_is_read_exactly(cents: int) -> None:
    assert money.cents(f"{cents // 100}.{cents % 100:02}") == cents


@pytest.mark.parametrize(("text", "cents"), [("0", 0), ("1", 100), ("1.5", 150), ("0.05", 5), ("99999.99", 9_999_999)])
def test_decimals_may_be_left_out(text: str, cents: int) -> None:
    assert money.cents(text) == cents


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is required"),
        ("-1", "must not have a minus sign"),
        ("-0", "must not have a minus sign"),
        ("1e3", "must not have an exponent"),
        ("1.234,50", "must be a number"),
        ("0.001", "must not have more than two decimals"),
        ("1.500", "must not have more than two decimals"),
        ("100000.00", "is out of range"),
        ("100000", "is out of range"),
        ("01", "must be a number"),
        ("1.", "must be a number"),
        (".5", "must be a number"),
        ("+1", "must be a number"),
        (" 1", "must be a number"),
        ("1\n", "must be a number"),
        ("NaN", "must be a number"),
        ("١", "must be a number"),
    ],
)
def test_anything_else_is_refused_with_the_fault_and_the_form(text: str, fault: str) -> None:
    with pytest.raises(money.InvalidMoney) as refused:
        money.cents(text)
    assert str(refused.value) == f"{fault}; expected {money.FORM}"
