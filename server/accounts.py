"""Metrics and log lines of calls that have ended, made when the answers are on their way."""

import logging

from process.access_log import AccessLog, Request
from process.metrics import exemplar
from process.settling import Settling
from process.trace_context import trace_id
from server.ended import Ended
from server.errors import code_name
from server.metrics import MethodMetrics, count_clients


class Accounts:
    """Of the calls of one method."""

    def __init__(self, service: str, method: str, type: str = "unary", level: int = logging.INFO) -> None:
        """`level`: of the log lines."""
        self._metrics = MethodMetrics(service, method, type)
        self._log = AccessLog("server.access", str, level)
        self._route = f"/{service}/{method}"
        self._method = method
        self._ended: Settling[Ended] = Settling(self._settle)
        self.started = self._metrics.started
        self.ended = self._ended.add

    def _settle(self, messages: list[Ended]) -> None:
        codes: list[int] = []
        seconds: list[float] = []
        traces: list[tuple[float, dict[str, str]]] = []
        for ended in messages:
            codes += ended.codes
            seconds += [ended.seconds] * len(ended.calls)
            traces += [(ended.seconds, trace) for call in ended.calls if (trace := exemplar(call.traceparent))]
            count_clients(ended.callers, self._method, ended.codes)
        self._metrics.handled(codes)
        self._metrics.seconds.observe_each(seconds, traces)
        self._log.write(line for ended in messages for line in self._lines(ended))

    def _lines(self, ended: Ended) -> list[Request]:
        method, route = self._method, self._route
        return [
            Request(
                call.request_id,
                trace_id(call.traceparent),
                caller.client,
                method,
                route,
                code_name(code),
                ended.seconds,
                call.request.ByteSize() if call.request is not None else 0,
                reply.ByteSize() if reply is not None else 0,
            )
            for call, reply, caller, code in zip(ended.calls, ended.replies, ended.callers, ended.codes, strict=True)
        ]
