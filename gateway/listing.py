"""GET /list: one page with a link to the next, or every payment as one JSON array that is made page by page."""

from collections.abc import AsyncGenerator, Callable
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from gateway.transcoding import Call, StreamedResponse
from payments.v1 import listing_pb2, payments_pb2

_PAGING = frozenset({"page_size", "pageSize", "page_token", "pageToken"})
_LARGEST_PAGE = 1000

# ListingService's method, as its stub has it.
ListJson = Callable[..., Any]


async def list_payments(list_json: ListJson, call: Call) -> Response:
    """Answers with one page where `page_size` or `page_token` is given, else with the whole list."""
    if _PAGING.isdisjoint(call.request.query_params):
        return await _whole_list(list_json, call)
    reply = await call.invoke()
    return call.render(reply, headers=_next_link(call.request, reply.next_page_token))


def _next_link(request: Request, token: str) -> dict[str, str]:
    """The header Link (RFC 8288) of the next page, relative, so that it holds behind any proxy."""
    if not token:
        return {}
    query = [(name, value) for name, value in request.query_params.multi_items() if name not in ("page_token", "pageToken")]
    return {"Link": f'<{request.url.path}?{urlencode([*query, ("page_token", token)])}>; rel="next"'}


async def _whole_list(list_json: ListJson, call: Call) -> Response:
    message: payments_pb2.ListPaymentsRequest = call.message
    message.page_size = 1 if call.request.method == "HEAD" else _LARGEST_PAGE
    first = await call.invoke(list_json)  # what fails before the first byte is a problem document of its own
    return StreamedResponse(_array(list_json, call, first), "application/json")


async def _array(list_json: ListJson, call: Call, page: listing_pb2.ListPaymentsJsonResponse) -> AsyncGenerator[bytes, None]:
    """A JSON array in constant memory: a page is asked for when the one before has left for the client. A page that fails aborts the
    answer, so that the array is never closed over a gap."""
    opening = b"["
    while True:
        # A page is empty where the payments that were left have been deleted meanwhile.
        if page.payments or opening == b"[":
            yield opening + page.payments.encode()
            opening = b"," if page.payments else b""
        if not page.next_page_token:
            break
        call.message.page_token = page.next_page_token
        page = await call.invoke(list_json)
    yield b"]"
