"""The document of a payment comes back as the equal JSON value, or is refused with a reason."""

import pytest

from tests.rest import Rest, assert_problem, document, exact, exact_json

LOSSLESS = {
    "empty": "{}",
    "integers beyond 64 bits": '{"n":[9007199254740993,18446744073709551617,-170141183460469231731687303715884105729]}',
    "a hundred digits": '{"n":' + "1234567890" * 10 + "}",
    "a thousand digits": '{"n":' + "9" * 1000 + "}",
    "decimals beyond a double": '{"n":[0.1234567890123456789012345678901234567890,3.141592653589793238462643383279502884197]}',
    "trailing zeros": '{"n":[1.10,100,1.0]}',
    "larger than a double": '{"n":[1e400,-1E+400,1.5e999]}',
    "smaller than a double": '{"n":[1e-400,-1e-400]}',
    "negative zero": '{"n":[-0,-0.0,0]}',
    "scalars": '{"t":true,"f":false,"n":null,"s":"","a":[],"o":{}}',
    "keys": '{"":1," ":2,"a.b":3,"__proto__":4,"A":5,"a":6,"é":7,"e\u0301":8}',
    "text": '{"s":"ünï \U0001f600 \u4e2d\u6587 \u202e \u2028 \ufeff \uffff"}',
    "escapes": r'{"s":"\"\\\/\b\f\n\r\t\u0001\u001f\u007f\u00e9\ud83d\ude00"}',
    "names of the API's own fields": '{"id":"x","payment":"1.234,50","status":"nonsense","data":{"data":{}}}',
    "white space": ' \t\r\n{ "a" : [ 1 , 2 ] }\n ',
}


@pytest.mark.parametrize("text", LOSSLESS.values(), ids=LOSSLESS.keys())
def test_a_document_comes_back_equal(rest: Rest, text: str) -> None:
    created = rest.post("/create", body=document(text).encode())
    assert created.status_code == 200, created.text
    id = created.json()["id"]
    sent = exact_json(text)
    assert exact(created)["data"] == sent
    assert exact(rest.get(f"/get/{id}"))["data"] == sent
    assert exact(rest.put(f"/update/{id}", value={"status": "consumed"}))["data"] == sent
    assert [payment["data"] for payment in exact(rest.get("/list")) if payment["id"] == id] == [sent]
    assert exact(rest.delete(f"/delete/{id}"))["data"] == sent


def nested(levels: int) -> str:
    """A document of so many levels, the outermost object being the first, objects and arrays by turns."""
    opening, closing = '{"a":', "}"
    for level in range(levels - 2):
        opening, closing = (opening + "[", "]" + closing) if level % 2 else (opening + '{"a":', "}" + closing)
    return opening + ("{}" if levels > 1 else "0") + closing


def sized(size: int, filler: str = "x") -> str:
    """A document of so many bytes of text."""
    frame = len('{"s":""}')
    room = size - frame
    width = len(filler.encode())
    return '{"s":"' + filler * (room // width) + "x" * (room % width) + '"}'


@pytest.mark.parametrize("text", [nested(64), '{"a":' * 63 + "{}" + "}" * 63, '{"a":' + "[" * 63 + "]" * 63 + "}"])
def test_64_levels_are_accepted(rest: Rest, text: str) -> None:
    assert rest.create(text)["data"] == exact_json(text)


def test_brackets_in_strings_are_no_levels(rest: Rest) -> None:
    text = '{"s":"' + "[{" * 500 + '\\"[[["}'
    assert rest.create(text)["data"] == exact_json(text)


@pytest.mark.parametrize("filler", ["x", "é", "\u4e2d", "\U0001f600"])
def test_64_kib_are_accepted_and_one_byte_more_is_refused(rest: Rest, filler: str) -> None:
    text = sized(65_536, filler)
    assert len(text.encode()) == 65_536
    answer = rest.post("/create", body=document(text).encode())
    assert answer.status_code == 200, answer.text[:300]
    assert exact(answer)["data"] == exact_json(text)
    refused = rest.post("/create", body=document(sized(65_537, filler)).encode())
    assert_problem(refused, 400, "INVALID_ARGUMENT", reason="INVALID_FIELD", field="data")


def grown(numbers: int) -> str:
    """A document of numbers that PostgreSQL writes as a thousand digits each."""
    return '{"n":[' + ",".join(["1e999"] * numbers) + "]}"


def test_a_document_that_grows_when_written_out_comes_back(rest: Rest) -> None:
    created = rest.create(grown(65))
    assert created["data"] == exact_json(grown(65))
    assert exact(rest.get(f"/get/{created['id']}"))["data"] == exact_json(grown(65))


def test_a_document_that_grows_beyond_64_kib_is_refused(rest: Rest) -> None:
    problem = assert_problem(rest.post("/create", body=document(grown(66))), 400, reason="INVALID_FIELD", field="data")
    assert "numbers written out" in problem["detail"]


REFUSED = {
    "65 levels": nested(65),
    "65 levels of objects": '{"a":' * 64 + "{}" + "}" * 64,
    "a thousand levels": nested(1000),
    "1,001 digits": '{"n":' + "9" * 1001 + "}",
    "1,001 digits when written out": '{"n":1e1000}',
    "a number of 131,072 digits": '{"n":1e131071}',
    "a number beyond PostgreSQL": '{"n":1e999999999999}',
    "a number too small for PostgreSQL": '{"n":1e-999999999999}',
    "1,001 decimals": '{"n":1e-1001}',
    "many digits in a nested array": '{"a":[{"b":[1,2,1e1000]}]}',
    "NUL in a string": r'{"s":"a\u0000b"}',
    "NUL in a key": r'{"a\u0000":1}',
    "a lone high surrogate": r'{"s":"\ud83d"}',
    "a lone low surrogate": r'{"s":"\ude00"}',
    "surrogates in the wrong order": r'{"s":"\ude00\ud83d"}',
    "a lone surrogate in a key": r'{"\ud800":1}',
    "a high surrogate before an escape": r'{"s":"\ud83d\u0041"}',
    "a key twice": '{"a":1,"a":2}',
    "a key twice, once escaped": r'{"a":1,"\u0061":2}',
    "a key twice, far inside": '{"x":[{"y":{"a":1,"b":2,"a":1}}]}',
    "an array": "[]",
    "an array of objects": "[{}]",
    "a string": '"{}"',
    "a number": "1",
    "true": "true",
    "null": "null",
}


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_a_document_that_cannot_be_kept_is_refused(rest: Rest, text: str) -> None:
    problem = assert_problem(rest.post("/create", body=document(text)), 400, "INVALID_ARGUMENT", reason="INVALID_FIELD")
    assert [error["field"].partition(".")[0] for error in problem["errors"]] == ["data"], problem


@pytest.mark.usefixtures("nothing_written")
def test_a_payment_without_a_document_is_refused(rest: Rest) -> None:
    assert_problem(rest.post("/create", body='{"payment":1}'), 400, "INVALID_ARGUMENT", reason="INVALID_FIELD", field="data")


def test_every_fault_of_a_payment_is_named_at_once(rest: Rest) -> None:
    problem = assert_problem(rest.post("/create", body="{}"), 400, "INVALID_ARGUMENT")
    assert {error["field"] for error in problem["errors"]} == {"data", "payment"}
