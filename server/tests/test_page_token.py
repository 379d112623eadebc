"""Tokens that only this service can make, each for its own filter."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import page_token

KEY = b"k" * 32
ID = "01890a5d-ac96-774b-bcce-b302099a8057"


@given(st.uuids(), st.integers(0, 2))
def test_a_token_gives_back_the_id(id: object, status: int) -> None:
    assert page_token.unseal(KEY, page_token.seal(KEY, str(id), status), status) == str(id)


def test_a_token_is_bound_to_its_filter_and_its_key() -> None:
    token = page_token.seal(KEY, ID, 1)
    for key, status in ((KEY, 0), (KEY, 2), (b"x" * 32, 1)):
        with pytest.raises(page_token.InvalidPageToken):
            page_token.unseal(key, token, status)


@given(st.integers(0, 263))
def test_a_token_with_any_bit_changed_is_refused(bit: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(page_token.seal(KEY, ID, 0)))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(page_token.InvalidPageToken):
        page_token.unseal(KEY, base64.urlsafe_b64encode(raw).decode(), 0)


@pytest.mark.parametrize("token", ["", "x", "é", "=", "A" * 44, ID])
def test_made_up_tokens_are_refused(token: str) -> None:
    with pytest.raises(page_token.InvalidPageToken):
        page_token.unseal(KEY, token, 0)


def test_a_token_has_one_spelling() -> None:
    spelt = {token: page_token.seal(bytes([n]) * 32, ID, 0) for n in range(50) for token in [n]}
    other = next((n, token) for n, token in spelt.items() if "-" in token or "_" in token)
    with pytest.raises(page_token.InvalidPageToken):
        page_token.unseal(bytes([other[0]]) * 32, other[1].replace("-", "+").replace("_", "/"), 0)
