"""GET /list: one page with a link to the next, or every payment as one JSON array that is made page by page."""

import logging
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.transcoding import Call, RpcFailed
from payments.v1 import payments_pb2

log = logging.getLogger("gateway")

_PAGING = frozenset({"page_size", "pageSize", "page_token", "pageToken"})
_LARGEST_PAGE = 1000


async def list_payments(call: Call) -> Response:
    """Answers with one page where `page_size` or `page_token` is given, else with the whole list."""
    if _PAGING.isdisjoint(call.request.query_params):
        return await _whole_list(call)
    reply = await call.invoke()
    return call.render(reply, headers=_next_link(call.request, reply.next_page_token))


def _next_link(request: Request, token: str) -> dict[str, str]:
    """The header Link (RFC 8288) of the next page, relative, so that it holds behind any proxy."""
    if not token:
        return {}
    query = [(name, value) for name, value in request.query_params.multi_items() if name not in ("page_token", "pageToken")]
    return {"Link": f'<{request.url.path}?{urlencode([*query, ("page_token", token)])}>; rel="next"'}


async def _whole_list(call: Call) -> Response:
    message: payments_pb2.ListPaymentsRequest = call.message
    message.page_size = 1 if call.request.method == "HEAD" else _LARGEST_PAGE
    first = await call.invoke()  # what fails before the first byte is a problem document of its own
    if call.request.method == "HEAD":
        head = Response(media_type="application/json")
        del head.headers["content-length"]  # GET has none either: its length is not known before its end
        return head
    return _PagedArray(call, first)


class _PagedArray(Response):
    """A JSON array in constant memory: a page is asked for when the one before has left for the client."""

    media_type = "application/json"

    def __init__(self, call: Call, first: payments_pb2.ListPaymentsResponse) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._call = call
        self._page = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        opening = b"["
        while True:
            items = self._call.encode(self._page)[1:-1]
            token = self._page.next_page_token
            # A page is empty where the payments that were left have been deleted meanwhile.
            if items or opening == b"[":
                await send({"type": "http.response.body", "body": opening + items, "more_body": True})
                opening = b"," if items else b""
            if not token:
                break
            # uvicorn's send is silent about a client that has gone.
            if await self._call.request.is_disconnected():
                return
            self._call.message.page_token = token
            try:
                self._page = await self._call.invoke()
            except RpcFailed as error:
                # Leaving without the last chunk aborts the body: the array is never closed over a gap.
                log.error("list aborted in mid-stream: %s", error)
                return
        await send({"type": "http.response.body", "body": b"]", "more_body": False})
