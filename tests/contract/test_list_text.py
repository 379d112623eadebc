"""The whole list is text made in the database, everything else comes from the codec: to a client it is one format."""

import pytest

from tests.database import Database
from tests.rest import Rest, document

TIMES = [
    "2026-01-02 03:04:05.123456+00",
    "2026-01-02 03:04:05.123+00",
    "2026-01-02 03:04:05.1+00",
    "2026-01-02 03:04:05.000001+00",
    "2026-01-02 03:04:05+00",
    "2024-02-29 23:59:59.999999-05:30",
    "1999-12-31 00:00:00+00",
]
DOCUMENTS = [
    ("{}", "0"),
    ('{"a":[1.50,1e2,12345678901234567890.123456789,-0.0,true,null],"b":{}}', "0.01"),
    ('{"é":"\\u0001\\"\\\\\\/ \\ud83d\\ude00 %s % {x} {{y}} $1","":"\u2028"}', "99999.99"),
    ('{"long":"' + "x" * 50_000 + '"}', "1234.5"),
]


@pytest.fixture(scope="module")
def varied(rest: Rest, stored: Database, empty_tables: None) -> None:
    """Every document, status and form of a time."""
    for status in ("inserted", "consumed"):
        for data, payment in DOCUMENTS:
            assert rest.post("/create", body=document(data, payment, status=status)).status_code == 200
    for time in TIMES:
        answer = rest.post("/create", body=document("{}", "1"))
        stored.execute(
            "UPDATE payments SET create_time = %s, update_time = %s::timestamptz + interval '1 hour', revision = 12345678901 WHERE id = %s",
            time,
            time,
            answer.json()["id"],
        )


@pytest.mark.parametrize("query", ["", "status=inserted", "status=consumed"])
def test_the_whole_list_is_what_the_pages_are_to_the_letter(rest: Rest, varied: None, query: str) -> None:
    whole = rest.get(f"/list?{query}")
    page = rest.get(f"/list?{query}&page_size=1000")
    assert whole.status_code == page.status_code == 200
    assert "Link" not in page.headers
    assert whole.json()
    assert whole.content == page.content
