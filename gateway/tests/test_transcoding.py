import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import httpx
import pytest
from google.api_core import path_template
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Scope

from gateway.tests.library_service import Library, library, message, serving
from gateway.transcoding import Call, JsonFormat, Refusal, RpcFailed, transcode
from gateway.transcoding._body import Body
from gateway.transcoding.http_rule import bindings

MAX_BODY = 1000


@pytest.fixture
def servicer() -> Library:
    return Library()


@pytest.fixture
async def channel(servicer: Library) -> AsyncIterator[grpc.aio.Channel]:
    async with serving(servicer) as channel:
        yield channel


@pytest.fixture
async def client(channel: grpc.aio.Channel) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(Starlette(routes=transcode([library()], channel, max_body=MAX_BODY, domain="library.v1"))) as client:
        yield client


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://library")


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == response.status_code
    return document


# Path, query and body to request.


@pytest.mark.parametrize(
    ("url", "request_type", "fields"),
    [
        ("/v1/shelves/a%2Fb%20c:d", "GetShelfRequest", {"shelf_id": "a/b c:d"}),
        ("/v1/rooms/-7/shelves/x", "GetShelfRequest", {"shelf_id": "x", "place": {"room": {"number": -7}}}),
        ("/v1/rooms/7/shelves/x?place.floor=2", "GetShelfRequest", {"shelf_id": "x", "place": {"room": {"number": 7}, "floor": "2"}}),
        ("/v1/ground/3/GENRE_POETRY", "GetShelfRequest", {"place": {"room": {"number": 3}, "floor": "ground"}, "genre": 2}),
        (
            "/v1/ground/3/2?shelf_id=x",
            "GetShelfRequest",
            {"place": {"room": {"number": 3}, "floor": "ground"}, "genre": 2, "shelf_id": "x"},
        ),
        ("/v1/shelves/1/books/a%2Fb%20c", "GetBookRequest", {"name": "shelves/1/books/a%2Fb c"}),
        ("/v1/files/a/b%20c/d%2Fe", "GetFileRequest", {"path": "a/b c/d%2Fe"}),
        ("/v1/files", "GetFileRequest", {}),
        ("/v1/trees/docs/a", "GetFileRequest", {"path": "docs/a"}),
        ("/v1/anything/raw/x", "GetFileRequest", {"path": "x"}),
        ("/v1/caf%c3%a9%20menu/x", "GetFileRequest", {"path": "x"}),
        ("/v1/any/file?path=x", "GetFileRequest", {"path": "x"}),
        ("/v1/any/files", "GetFileRequest", {"path": "files"}),
    ],
)
async def test_the_path_sets_its_variables(
    client: httpx.AsyncClient, servicer: Library, url: str, request_type: str, fields: dict[str, Any]
) -> None:
    response = await client.get(url)
    assert response.status_code == 200, response.text
    assert servicer.requests == [message(request_type, **fields)]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("view.page.number=3&view.with_cover=true", {"view": {"page": {"number": 3}, "with_cover": True}}),
        ("view.withCover=false&view.page.lines=1&view.page.lines=-2", {"view": {"page": {"lines": [1, -2]}}}),
        ("genres=GENRE_POETRY&genres=1", {"genres": [2, 1]}),
        ("read_mask=title,name", {"read_mask": {"paths": ["title", "name"]}}),
        ("asOf=2026-01-02T03:04:05Z", {"as_of": {"seconds": 1767323045}}),
        ("language=en+GB", {"language": {"value": "en GB"}}),
        ("token=AP8%3D", {"token": b"\x00\xff"}),
        ("zoom=1.5&lent=false", {"zoom": 1.5, "lent": False}),
        ("year=1999", {"year": 1999}),
        ("revision=18446744073709551615", {"revision": 2**64 - 1}),
        ("printing=a%26b%3Dc%C3%A9=&", {"printing": "a&b=cé="}),
        ("printing", {"printing": ""}),
        ("otherName=x", {"renamed": "x"}),
        ("renamed=x", {"renamed": "x"}),
        ("parent.parent.view.page.number=1", {"parent": {"parent": {"view": {"page": {"number": 1}}}}}),
        ("$alt=json&year=1", {"year": 1}),
        ("%24alt=json", {}),
        ("&&year=1&", {"year": 1}),
    ],
)
async def test_what_path_and_body_leave_is_in_the_query(
    client: httpx.AsyncClient, servicer: Library, query: str, fields: dict[str, Any]
) -> None:
    response = await client.get(f"/v1/shelves/1/books/2?{query}")
    assert response.status_code == 200, response.text
    view = fields.get("view", {}).get("page")
    assert view is None or servicer.requests[0].view.HasField("page")
    assert MessageToDict(servicer.requests[0]) == MessageToDict(message("GetBookRequest", name="shelves/1/books/2", **fields))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("unknown=1", "unknown"),
        ("view.unknown=1", "view.unknown"),
        ("view=1", "view"),
        ("view.page=1", "view.page"),
        ("view.page.number.x=1", "view.page.number.x"),
        ("views.page.number=1", "views.page.number"),
        ("views=1", "views"),
        ("labels.a=1", "labels.a"),
        ("labels=1", "labels"),
        ("as_of.seconds=1", "as_of.seconds"),
        ("language.value=x", "language.value"),
        ("zoom=1&zoom=2", "zoom"),
        ("as_of=x&asOf=y", "as_of"),
        ("zoom=x", "zoom"),
        ("view.page.lines=1&view.page.lines=x", "view.page.lines[1]"),
        ("genres=GENRE_OTHER", "genres[0]"),
        ("lent=1", "lent"),
        ("year=2147483648", "year"),
        ("year=1&printing=x", "printing"),
        ("name=shelves/1/books/2", "name"),
        ("Year=1", "Year"),
        ("=1", ""),
        (".=1", "."),
        ("$alt=json;enum-encoding=int", "$alt"),
        ("$alt=proto", "$alt"),
        ("$fields=name", "$fields"),
        ("year=%zz", "year"),
        ("printing=%ff", "printing"),
        ("%ff=1", "%ff"),
    ],
)
async def test_a_parameter_that_says_nothing_of_the_request_is_refused(
    client: httpx.AsyncClient, servicer: Library, query: str, field: str
) -> None:
    document = problem(await client.get(f"/v1/shelves/1/books/2?{query}"))
    assert (document["status"], document["code"], document["errors"][0]["field"]) == (400, "INVALID_ARGUMENT", field)
    assert servicer.requests == []


@pytest.mark.parametrize(
    ("url", "field"), [("/v1/shelves/%zz", "shelf_id"), ("/v1/shelves/%ff/books/x", "name"), ("/v1/rooms/x/shelves/1", "place.room.number")]
)
async def test_a_path_that_is_no_value_of_its_field_is_refused(client: httpx.AsyncClient, url: str, field: str) -> None:
    # httpx mends what it thinks is broken, so the path goes in as it is.
    scope_path = httpx.URL("http://library").copy_with(raw_path=url.encode())
    document = problem(await client.get(scope_path))
    assert (document["status"], document["errors"][0]["field"]) == (400, field)


async def test_a_body_that_is_a_field_leaves_the_rest_to_path_and_query(client: httpx.AsyncClient, servicer: Library) -> None:
    response = await client.post("/v1/shelves/1/books?book_id=7&validateOnly=true", json={"title": "Ulysses", "pages": "730"})
    book = {"title": "Ulysses", "pages": 730}
    assert servicer.requests == [message("CreateBookRequest", parent="shelves/1", book_id="7", validate_only=True, book=book)]
    assert response.json() == {"title": "Ulysses", "pages": "730"}


async def test_a_body_that_is_a_list_is_taken(client: httpx.AsyncClient, servicer: Library) -> None:
    response = await client.put("/v1/shelves/1/books/2/tags?replace=true", json=["a", "b"])
    assert servicer.requests == [message("TagBookRequest", name="shelves/1/books/2", tags=["a", "b"], replace=True)]
    assert response.json() == {"name": "shelves/1/books/2", "tags": ["a", "b"]}


async def test_the_path_sets_a_field_within_the_body(client: httpx.AsyncClient, servicer: Library) -> None:
    url = "/v1/shelves/1/books/2"
    for body in ({"title": "x"}, {"title": "x", "name": "shelves/1/books/2"}):
        assert (await client.patch(f"{url}?update_mask=title", json=body)).status_code == 200
    assert (await client.put(url, json={"book": {"title": "x"}, "updateMask": "title"})).status_code == 200
    book = {"name": "shelves/1/books/2", "title": "x"}
    assert servicer.requests == [message("UpdateBookRequest", book=book, update_mask={"paths": ["title"]})] * 3


@pytest.mark.parametrize(
    ("method", "url", "body", "field"),
    [
        ("PATCH", "/v1/shelves/1/books/2", {"name": "shelves/1/books/3"}, "book.name"),
        ("PUT", "/v1/shelves/1/books/2", {"book": {"name": "shelves/1/books/2"}}, "book.name"),
        ("POST", "/v1/shelves/1/books/2:lend", {"name": "shelves/1/books/2"}, "name"),
        ("POST", "/v1/shelves/1/books?book.title=x", {}, "book.title"),
        ("POST", "/v1/shelves/1/books?book=x", {}, "book"),
        ("POST", "/v1/shelves/1/books?parent=x", {}, "parent"),
        ("POST", "/v1/books:lend?reader=x", {}, "reader"),
        ("POST", "/v1/books:lend", {"unknown": 1}, "unknown"),
        ("POST", "/v1/shelves/1/books", {"pages": 1.5}, "book.pages"),
        ("PUT", "/v1/shelves/1/books/2/tags", ["a", 1], "tags[1]"),
        ("PUT", "/v1/shelves/1/books/2/tags", {"tags": []}, "tags"),
    ],
)
async def test_a_field_is_given_once_and_where_it_belongs(
    client: httpx.AsyncClient, servicer: Library, method: str, url: str, body: Any, field: str
) -> None:
    document = problem(await client.request(method, url, json=body))
    assert (document["status"], document["errors"][0]["field"], document["reason"]) == (400, field, "INVALID_FIELD")
    assert servicer.requests == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/v1/shelves/1/books/2:lend", "shelves/1/books/2"),
        ("/v1/books:lend", ""),
        ("/v1/archive/a/b:c:lend", "a/b:c"),
        ("/v1/archive:lend", ""),
    ],
)
async def test_a_verb_ends_the_path(client: httpx.AsyncClient, servicer: Library, url: str, name: str) -> None:
    assert (await client.post(url, json={"reader": "Molly"})).status_code == 200
    assert servicer.requests == [message("LendBookRequest", name=name, reader="Molly")]


async def test_what_a_google_client_sends_arrives(client: httpx.AsyncClient, servicer: Library) -> None:
    asked = message("GetBookRequest", name="shelves/a b/books/ü", view={"with_cover": True, "page": {"lines": [1, 2]}}, year=7)
    rpc = library().methods_by_name["GetBook"]
    options = [{"method": each.http_method.lower(), "uri": each.template.text} for each in bindings(rpc)]
    sent = path_template.transcode(options, asked)
    query = [("year", "7"), ("view.withCover", "true"), ("view.page.lines", "1"), ("view.page.lines", "2")]
    response = await client.request(sent["method"], sent["uri"], params=query)
    assert response.status_code == 200
    assert servicer.requests == [asked]


# Answers.


async def test_the_answer_is_the_reply_as_json(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/shelves/1/books/2")
    assert response.content == b'{"name":"shelves/1/books/2","title":"Ulysses","genre":"GENRE_FICTION","pages":"1152921504606846976"}'
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Length"] == str(len(response.content))
    assert (await client.delete("/v1/shelves/1/books/2")).content == b"{}"


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("/v1/shelves/new?page_size=1", [{"name": "/books/0"}]),
        ("/v1/shelves/new", []),
        ("/v1/shelves/1/books", 'n"ext'),
        ("/v1/shelves/1/books:counts", {"a": 1}),
        ("/v1/shelves/1/books:newest?pageSize=2", {"name": "shelves/1/books/1"}),
        ("/v1/shelves/1/books:newest", None),
        ("/v1/shelves/1/books:total?pageSize=2", "2"),
    ],
)
async def test_the_answer_is_the_field_that_response_body_names(client: httpx.AsyncClient, url: str, body: Any) -> None:
    response = await client.get(url)
    assert response.status_code == 200
    assert json.loads(response.content) == body


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    for url in ("/v1/shelves/1/books/2", "/v1/shelves/1/books/2?unknown=1", "/v1/shelves/1/books:watch?count=2"):
        get, head = await client.get(url), await client.head(url)
        assert head.content == b""
        assert (head.status_code, head.headers) == (get.status_code, get.headers)


async def test_the_format_is_an_option(channel: grpc.aio.Channel) -> None:
    routes = transcode([library()], channel, format=JsonFormat(proto_names=True, short_enums=True))
    async with client_of(Starlette(routes=routes)) as client:
        response = await client.get("/v1/ground/3/poetry?shelf_id=x")
        assert response.json() == {"shelf_id": "x", "place": {"room": {"number": 3}, "floor": "ground"}, "genre": "poetry"}


async def test_the_routes_may_be_mounted_below_a_path(channel: grpc.aio.Channel) -> None:
    async with client_of(Starlette(routes=[Mount("/the api", routes=transcode([library()], channel))])) as client:
        assert (await client.get("/the%20api/v1/shelves/a%2Fb")).json()["shelfId"] == "a/b"
        assert (await client.get("/v1/shelves/x")).status_code == 404


# HTTP.


@pytest.mark.parametrize(
    "url", ["/", "/v1", "/v1/shelves", "/v1/shelves/", "/v1/shelves/1/", "/v1/shelves//books/1", "/V1/shelves/1", "//v1/shelves/1"]
)
async def test_an_unknown_path_is_left_to_other_routes(client: httpx.AsyncClient, url: str) -> None:
    response = await client.get(httpx.URL("http://library").copy_with(raw_path=url.encode()))
    assert (response.status_code, response.text) == (404, "Not Found")


async def test_a_method_that_is_not_rpc_s_is_not_served(client: httpx.AsyncClient) -> None:
    assert (await client.post("/library.v1.Library/Hidden", json={})).status_code == 404


@pytest.mark.parametrize(
    ("method", "url", "allow"),
    [
        ("POST", "/v1/shelves/1", "GET, HEAD"),
        ("POST", "/v1/shelves/1/books/2", "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/v1/books:lend", "POST"),
        ("GET", "/v1/heads/x", "HEAD"),
        ("OPTIONS", "/v1/shelves/1/books/2", "DELETE, GET, HEAD, PATCH, PUT"),
        ("BREW", "/v1/checks/x", "OPTIONS"),
    ],
)
async def test_another_method_is_told_which_ones_there_are(client: httpx.AsyncClient, method: str, url: str, allow: str) -> None:
    response = await client.request(method, url)
    assert problem(response)["status"] == 405
    assert response.headers["Allow"] == allow


@pytest.mark.parametrize(
    ("method", "url"), [("OPTIONS", "/v1/checks/x"), ("BREW", "/v1/any/x"), ("PUT", "/v1/any/file"), ("HEAD", "/v1/heads/x")]
)
async def test_custom_methods_are_served(client: httpx.AsyncClient, servicer: Library, method: str, url: str) -> None:
    assert (await client.request(method, url)).status_code == 200
    assert servicer.requests == [message("GetFileRequest", path=url.rpartition("/")[2])]


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({"Content-Type": "application/json"}, True),
        ({"Content-Type": "Application/JSON ; Charset=UTF-8"}, True),
        ({"Content-Type": 'application/json; charset="utf-8"; v=1'}, True),
        ({"Content-Type": "application/json", "Content-Encoding": "identity"}, True),
        ({"Content-Type": "application/json; charset=latin-1"}, False),
        ({"Content-Type": "application/jsonx"}, False),
        ({"Content-Type": "text/plain"}, False),
        ({"Content-Type": ""}, False),
        ({}, False),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, False),
        ({"Content-Type": "application/json", "Content-Encoding": "identity, gzip"}, False),
    ],
)
async def test_a_body_is_json_in_utf_8(client: httpx.AsyncClient, headers: dict[str, str], accepted: bool) -> None:
    response = await client.post("/v1/books:lend", content=b"{}", headers=headers)
    assert response.status_code == (200 if accepted else 415)
    if not accepted:
        assert problem(response)["reason"] == "UNSUPPORTED_MEDIA_TYPE"
        assert ("Accept-Encoding" in response.headers) == ("Content-Encoding" in headers)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"null"])
async def test_a_malformed_body_is_refused(client: httpx.AsyncClient, servicer: Library, body: bytes) -> None:
    document = problem(await client.post("/v1/books:lend", content=body, headers={"Content-Type": "application/json"}))
    assert (document["status"], document["reason"], document["errors"][0]["field"]) == (400, "MALFORMED_MESSAGE", "")
    assert servicer.requests == []


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_body_where_none_belongs_is_refused(client: httpx.AsyncClient, servicer: Library) -> None:
    for method in ("GET", "DELETE"):
        for content in (b"{}", chunks(b"", b"{}")):
            document = problem(await client.request(method, "/v1/shelves/1/books/2", content=content))
            assert (document["status"], document["errors"][0]["field"]) == (400, "body")
    assert servicer.requests == []
    assert (await client.request("DELETE", "/v1/shelves/1/books/2", content=chunks(b"", b""))).status_code == 200
    assert (await client.post("/v1/failures/0")).status_code == 200


async def test_a_body_is_taken_up_to_the_limit(client: httpx.AsyncClient, servicer: Library) -> None:
    headers = {"Content-Type": "application/json"}
    whole = b'{"reader":"' + b"x" * (MAX_BODY - 13) + b'"}'
    for content in (whole, chunks(whole), chunks(whole[:7], b"", whole[7:])):
        assert (await client.post("/v1/books:lend", content=content, headers=headers)).status_code == 200
    for content in (whole + b" ", chunks(whole + b" "), chunks(whole, b" "), chunks(*[b" " * 64] * 1000)):
        document = problem(await client.post("/v1/books:lend", content=content, headers=headers))
        assert (document["status"], document["reason"]) == (413, "BODY_TOO_LARGE")
    assert len(servicer.requests) == 3


async def test_no_more_than_the_limit_is_kept_of_a_body_of_unknown_length() -> None:
    messages = [{"type": "http.request", "body": b"12345", "more_body": True}] * 5

    async def receive() -> dict[str, Any]:
        return messages.pop()

    with pytest.raises(Refusal):
        await Body({b"transfer-encoding": b"chunked"}, receive).read(limit=6)
    assert len(messages) == 3


async def test_checks_come_in_order(client: httpx.AsyncClient) -> None:
    """Each request has the faults of all that follow it."""
    wrong = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
    large = b"x" * (MAX_BODY + 1)
    assert (await client.post("/v1/shelves/1?x=1", content=large, headers=wrong)).status_code == 405
    assert (await client.request("GET", "/v1/shelves/1?x=1", content=large, headers=wrong)).status_code == 415
    assert (await client.request("GET", "/v1/shelves/1?x=1", content=large, headers={"Content-Type": "text/plain"})).status_code == 400
    assert (await client.post("/v1/books:lend?x=1", content=large, headers={"Content-Type": "text/plain"})).status_code == 415
    assert (await client.post("/v1/books:lend?x=1", content=large, headers={"Content-Type": "application/json"})).status_code == 413


# Calls.


async def test_request_id_and_trace_go_with_the_call(client: httpx.AsyncClient, servicer: Library) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await client.get("/v1/files/x", headers={"X-Request-Id": "a.B_c-1", "traceparent": traceparent})
    await client.get("/v1/files/x", headers={"X-Request-Id": "a b", "traceparent": traceparent.replace("0af7", "0AF7")})
    first, second = servicer.metadata
    assert (first["x-request-id"], first["traceparent"]) == ("a.B_c-1", traceparent)
    assert not {"x-request-id", "traceparent"} & second.keys()


async def test_metadata_is_an_option(channel: grpc.aio.Channel, servicer: Library) -> None:
    routes = transcode([library()], channel, metadata=lambda scope: [("asked", scope["path"]), ("raw-bin", b"\x00")])
    async with client_of(Starlette(routes=routes)) as client:
        await client.get("/v1/files/x")
    assert (servicer.metadata[0]["asked"], servicer.metadata[0]["raw-bin"]) == ("/v1/files/x", b"\x00")


class Telling(Library):
    async def GetFile(self, request: Any, context: Any) -> Any:
        context.set_trailing_metadata((("said", request.path),))
        return await super().GetFile(request, context)


async def test_trailing_metadata_is_told_of_answers_and_of_failures() -> None:
    told: list[tuple[str, str, Any]] = []

    def tell(scope: Scope, trailing: Any) -> None:
        told.extend((scope["method"], name, value) for name, value in trailing)

    async with serving(Telling()) as channel:
        routes = transcode([library()], channel, trailing=tell)
        async with client_of(Starlette(routes=routes)) as client:
            await client.get("/v1/files/x")
            await client.head("/v1/files/y")
            await client.get("/v1/failures/5?detailed=true")
    assert told[:2] == [("GET", "said", "x"), ("HEAD", "said", "y")]
    assert [name for _, name, _ in told[2:]] == ["grpc-status-details-bin"]


async def test_a_handler_answers_in_place_of_the_plain_call(channel: grpc.aio.Channel, servicer: Library) -> None:
    async def get_book(call: Call) -> Response:
        call.message.lent = True
        call.metadata.append(("reader", call.request.headers["Reader"]))
        reply = await call.invoke()
        reply.title += "!"
        return call.render(reply, headers={"ETag": '"1"'})

    async def fail(call: Call) -> Response:
        try:
            await call.invoke()
        except RpcFailed as failure:
            if failure.reason == "TOLD_TO":
                raise
        return Response("caught", 418, media_type="text/plain")

    handlers = {"library.v1.Library.GetBook": get_book, "library.v1.Library.Fail": fail}
    async with client_of(Starlette(routes=transcode([library()], channel, handlers=handlers))) as client:
        response = await client.get("/v1/shelves/1/books/2", headers={"Reader": "Molly"})
        assert (response.json()["title"], response.headers["ETag"]) == ("Ulysses!", '"1"')
        assert servicer.metadata[0]["reader"] == "Molly"
        assert (await client.get("/v1/failures/5")).text == "caught"
        assert problem(await client.get("/v1/failures/5?detailed=true"))["reason"] == "TOLD_TO"


@pytest.mark.parametrize("name", ["library.v1.Library.Missing", "library.v1.Library.Hidden", "library.v1.Library.WatchBooks"])
async def test_a_handler_without_a_method_is_refused(channel: grpc.aio.Channel, name: str) -> None:
    async def handler(call: Call) -> Response:
        return Response()

    with pytest.raises(ValueError, match=name):
        transcode([library()], channel, handlers={name: handler})


async def test_the_same_service_twice_is_refused(channel: grpc.aio.Channel) -> None:
    with pytest.raises(ValueError, match=r"library\.v1\.Library\.GetShelf: GET /v1/shelves/\{shelf_id\} is bound twice"):
        transcode([library(), library()], channel)


async def test_a_call_that_takes_too_long_is_given_up(channel: grpc.aio.Channel, servicer: Library) -> None:
    async with client_of(Starlette(routes=transcode([library()], channel, timeout=0.1))) as client:
        for url in ("/v1/failures/0?delay=30", "/v1/shelves/1/books:watch?fail_after=1"):
            document = problem(await asyncio.wait_for(client.get(url), 5))
            assert (document["status"], document["code"]) == (504, "DEADLINE_EXCEEDED")


async def test_a_service_that_is_not_there_is_unavailable_and_has_no_address() -> None:
    async with (
        grpc.aio.insecure_channel("127.0.0.1:1") as channel,
        client_of(Starlette(routes=transcode([library()], channel))) as client,
    ):
        for url in ("/v1/files/x", "/v1/shelves/1/books:watch"):
            response = await client.get(url)
            assert problem(response)["detail"] == "The service is unavailable."
            assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
            assert "127.0.0.1" not in response.text


# Streams.


async def test_a_stream_is_a_message_a_line(client: httpx.AsyncClient, servicer: Library) -> None:
    response = await client.get("/v1/shelves/1/books:watch?count=3")
    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert response.content == b'{"title":"0"}\n{"title":"1"}\n{"title":"2"}\n'
    assert (await client.post("/v1/books:watch", json={"count": 1})).content == b'{"title":"0"}\n'
    assert (await client.get("/v1/shelves/1/titles:watch?count=2")).content == b'"0"\n"1"\n'
    assert (await client.get("/v1/shelves/1/books:watch")).content == b""
    assert problem(await client.get("/v1/shelves/1/books:watch?unknown=1"))["status"] == 400


async def test_a_stream_that_fails_before_its_first_message_is_a_problem(client: httpx.AsyncClient, servicer: Library) -> None:
    servicer.WatchBooks = failing_watch  # type: ignore[method-assign]
    document = problem(await client.get("/v1/shelves/1/books:watch?count=3"))
    assert (document["status"], document["detail"]) == (404, "there is no such shelf")


async def failing_watch(request: Any, context: Any) -> AsyncIterator[Any]:
    await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such shelf")
    yield
