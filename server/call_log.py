"""One line a call in the log, also of calls that travel together."""

import logging
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from process.access_log import AccessLog
from process.trace_context import trace_id
from server.call import Caller, Metadata, loggable_id
from server.errors import code_name


class CallLog:
    """Of the calls of one method."""

    def __init__(self, service: str, method: str, level: int = logging.INFO) -> None:
        self._log = AccessLog("server.access", str, level)
        self._route = f"/{service}/{method}"
        self._method = method

    @property
    def enabled(self) -> bool:
        return self._log.enabled

    def record(self, request: Message | None, reply: Message | None, metadata: Metadata, caller: Caller, code: int, seconds: float) -> None:
        """A call that travelled alone. `request` and `reply`: None where there is none that can be read."""
        given, trace = metadata.get("x-request-id", ""), trace_id(metadata.get("traceparent", ""))
        received, sent = request.ByteSize() if request else 0, reply.ByteSize() if reply else 0
        self._log.write(loggable_id(given), trace, caller.client, self._method, self._route, code_name(code), seconds, received, sent)

    def record_each(self, request: Any, reply: Any, callers: Sequence[Caller], codes: Sequence[int], seconds: float) -> None:
        """The calls of a message that carries several; so many of a message that is refused as a whole as audit lines are left of it."""
        for number, call in enumerate(request.calls):
            context = call.context
            given, trace = loggable_id(context.request_id), trace_id(context.traceparent)
            received, sent = call.request.ByteSize(), reply.results[number].ByteSize() if reply else 0
            client, code = callers[number].client, code_name(codes[number])
            self._log.write(given, trace, client, self._method, self._route, code, seconds, received, sent)
