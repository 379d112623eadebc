"""The served OpenAPI document, and the documentation page that needs nothing but the gateway."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from openapi_spec_validator import validate

from tests.rest import Rest

OPERATIONS = {
    ("/create", "post"),
    ("/create:batch", "post"),
    ("/list", "get"),
    ("/get/{id}", "get"),
    ("/update/{id}", "put"),
    ("/delete/{id}", "delete"),
    ("/status", "get"),
}
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}


@pytest.fixture(scope="module")
def document(rest: Rest) -> dict[str, Any]:
    served: dict[str, Any] = rest.get("/openapi.json").json()
    return served


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    described = {(path, method) for path, item in document["paths"].items() for method in item if method in METHODS}
    assert described >= OPERATIONS
    for path, method in OPERATIONS - {("/status", "get")}:
        operation = document["paths"][path][method]
        assert operation["operationId"]
        assert operation.get("summary") or operation.get("description")
        assert "200" in operation["responses"]


def test_descriptions_are_the_comments_of_the_proto(rest: Rest) -> None:
    text = rest.get("/openapi.json").text
    for comment in ("Creates a payment", "Where the payment is in its life", "Always shown with two"):
        assert comment in text


def test_money_is_a_number_and_a_document_an_object(document: dict[str, Any]) -> None:
    (payment,) = [schema for name, schema in document["components"]["schemas"].items() if name.endswith("Payment")]
    assert payment["properties"]["payment"]["type"] == "number"
    assert payment["properties"]["data"]["type"] == "object"


def test_internal_calls_are_not_described(document: dict[str, Any]) -> None:
    assert set(document["paths"]) - {path for path, _ in OPERATIONS} <= {"/livez", "/readyz"}


class Assets(HTMLParser):
    """The addresses that a page loads, and the text of its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_script = tag == "script"
        if tag != "a":
            self.addresses += [value for name, value in attrs if name in ("src", "href") and value]

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False

    def handle_data(self, data: str) -> None:
        if self.in_script and data.strip():
            self.scripts.append(data)


def test_the_documentation_loads_from_the_gateway_alone(rest: Rest) -> None:
    page = rest.get("/docs")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assets = Assets()
    assets.feed(page.text)
    assert any(".js" in address for address in assets.addresses)
    assert any(".css" in address for address in assets.addresses)
    for address in assets.addresses:
        if address.startswith("data:"):
            continue
        target = urljoin(page.url, address)
        assert urlsplit(target).netloc == urlsplit(rest.url).netloc, address
        loaded = rest.get(urlsplit(target).path)
        assert loaded.status_code == 200, address
        assert loaded.content, address
        if ".css" in address:
            assert not re.search(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""", loaded.text), address
    for script in assets.scripts:
        assert not re.search(r"""["'](?:https?:)?//""", script.replace(rest.url.rstrip("/"), "")), script
    assert "openapi.json" in page.text


def test_the_documentation_names_no_host(rest: Rest) -> None:
    """The page names the document relative to its own origin, so that no host name is baked in."""
    assert urlsplit(rest.url).netloc not in rest.get("/docs").text
