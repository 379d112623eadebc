"""Whatever is sent comes back as the equal value, through gateway, server and PostgreSQL, or is refused by name."""

import json
import re
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from server.idempotency import canonical, is_key
from tests.rest import Rest, document, exact, shown_payment

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5), max_leaves=20)
CENTS = st.integers(0, 9_999_999)

few = settings(max_examples=150, deadline=None)


@few
@given(value=st.dictionaries(TEXT, JSON, max_size=5), cents=CENTS, ascii=st.booleans())
def test_a_document_and_an_amount_come_back_equal(rest: Rest, value: dict[str, object], cents: int, ascii: bool) -> None:
    text, amount = json.dumps(value, ensure_ascii=ascii), f"{cents // 100}.{cents % 100:02}"
    created = rest.post("/create", body=document(text, amount).encode())
    assert created.status_code == 200, created.text
    assert exact(created)["data"] == json.loads(text, parse_float=Decimal)
    assert shown_payment(created) == amount
    assert rest.get(f"/get/{created.json()['id']}").content == created.content


@few
@given(number=st.decimals(-(10**40), 10**40, allow_nan=False).map(str))
def test_a_number_keeps_every_digit(rest: Rest, number: str) -> None:
    answer = rest.post("/create", body=document(f'{{"n":{number}}}'))
    assert answer.status_code == 200, answer.text
    assert Decimal(exact(answer)["data"]["n"]) == Decimal(number)


@few
@given(key=st.text(st.characters(codec="ascii"), max_size=70) | st.text(max_size=10))
def test_a_key_is_taken_or_refused_by_its_form_alone(rest: Rest, key: str) -> None:
    body = json.dumps({"data": {}, "payment": 1, "request_id": key})
    answers = [rest.post("/create", body=body) for _ in range(2)]
    if not key:
        assert [answer.status_code for answer in answers] == [200, 200]
    elif re.fullmatch(r"[!-~]{1,64}", key):
        assert is_key(key) and answers[0].content == answers[1].content and answers[0].status_code == 200
    else:
        assert {answer.status_code for answer in answers} == {400} and "request_id" in answers[0].text


@few
@given(value=st.dictionaries(TEXT, JSON, max_size=4))
def test_spellings_of_one_document_have_one_canonical_text(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical(json.dumps(value)) == canonical(json.dumps(turned, indent=1, ensure_ascii=False))


@few
@given(header=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_an_if_match_of_any_text_is_a_condition_or_refused(rest: Rest, header: str) -> None:
    """It never turns into an update without a condition."""
    created = rest.create()
    answer = rest.put(f"/update/{created['id']}", value={"status": "consumed"}, headers={"If-Match": header.strip() or '"x"'})
    holds = header.strip() == "*" or '"1"' in re.split(r"\s*,\s*", header.strip())
    assert answer.status_code == 200 if holds else answer.status_code in (400, 412), answer.text


@few
@given(token=st.text(st.characters(codec="ascii"), min_size=1, max_size=60))
def test_a_made_up_page_token_is_refused(rest: Rest, token: str) -> None:
    assert rest.get("/list", params={"page_token": token}).status_code == 400
