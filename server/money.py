"""Amounts of money: exact decimals from 0.00 to 99999.99, never binary floats."""

import re

FORM = "a decimal such as 1234.50, from 0.00 to 99999.99"

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,4})(?:\.([0-9]{1,2}))?")
_DECIMAL = re.compile(r"(-?)(?:0|[1-9][0-9]*)(?:\.([0-9]+))?([eE][+-]?[0-9]+)?")


class InvalidMoney(ValueError):
    """The text is not an amount; str() says what is wrong and which form is expected."""


def cents(text: str) -> int:
    """The amount in hundredths, 0 to 9_999_999. Raises InvalidMoney."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise InvalidMoney(f"{_fault(text)}; expected {FORM}")
    whole, fraction = match.groups()
    return int(whole) * 100 + (int(fraction.ljust(2, "0")) if fraction else 0)


def _fault(text: str) -> str:
    if not text:
        return "is required"
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return "must be a number"
    sign, fraction, exponent = match.groups()
    if sign:
        return "must not have a minus sign"
    if exponent:
        return "must not have an exponent"
    if fraction and len(fraction) > 2:
        return "must not have more than two decimals"
    return "is out of range"
