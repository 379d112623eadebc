"""GET /list: one page with a link to the next, or every payment as one JSON array that is made page by page."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from gateway.transcoding import Call, StreamedResponse
from payments.v1 import listing_pb2, payments_pb2

_PAGING = frozenset({"page_size", "pageSize", "page_token", "pageToken"})
_LARGEST_PAGE = 1000
_AT_ONCE = 8  # pages that are fetched and written: each takes several times its megabyte meanwhile

# ListingService's method, as its stub has it.
ListJson = Callable[..., Any]


class Lists:
    """Answers GET /list by pages that `list_json` gives as JSON, or by one page as the RPC gives it."""

    def __init__(self, list_json: ListJson) -> None:
        self._list_json = list_json
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def answer(self, call: Call) -> Response:
        """One page where `page_size` or `page_token` is given, else the whole list."""
        if _PAGING.isdisjoint(call.request.query_params):
            return await self._whole(call)
        async with self._places:
            reply = await call.invoke()
            return call.render(reply, headers=_next_link(call.request, reply.next_page_token))

    async def _whole(self, call: Call) -> Response:
        message: payments_pb2.ListPaymentsRequest = call.message
        message.page_size = 1 if call.request.method == "HEAD" else _LARGEST_PAGE
        async with self._places:
            first = await call.invoke(self._list_json)  # what fails before the first byte is a problem document of its own
        return StreamedResponse(self._array(call, first), "application/json")

    async def _array(self, call: Call, page: listing_pb2.ListPaymentsJsonResponse) -> AsyncGenerator[bytes, None]:
        """A JSON array in constant memory: a page is asked for when the one before has left for the client. A page that fails aborts the
        answer, so that the array is never closed over a gap."""
        next_page_token, empty = page.next_page_token, not page.payments
        yield b"[" + page.payments.encode()
        del page  # which would wait with its client
        while next_page_token:
            async with self._places:
                call.message.page_token = next_page_token
                page = await call.invoke(self._list_json)
                next_page_token = page.next_page_token
                # A page is empty where the payments that were left have been deleted meanwhile.
                if page.payments:
                    yield (b"" if empty else b",") + page.payments.encode()
                    empty = False
                del page
            yield b""  # waits until the client has room for more, without a place
        yield b"]"


def _next_link(request: Request, token: str) -> dict[str, str]:
    """The header Link (RFC 8288) of the next page, relative, so that it holds behind any proxy."""
    if not token:
        return {}
    query = [(name, value) for name, value in request.query_params.multi_items() if name not in ("page_token", "pageToken")]
    return {"Link": f'<{request.url.path}?{urlencode([*query, ("page_token", token)])}>; rel="next"'}
