"""One line a request, at a fraction of what a logger and a formatter cost: made by hand, of values whose form is known."""

import logging
from collections.abc import Iterable
from typing import NamedTuple

from process.log_fields import quoted, timestamp
from process.log_stream import STDOUT
from process.logs import terminal

_JSON = (
    '{"time":"%s","level":"LEVEL","logger":"LOGGER","event":"request","request_id":"%s","trace_id":"%s","client":%s,'
    '"method":"%s","route":"%s","code":CODE,"duration":%.6f,"received":%d,"sent":%d}\n'
)
_TEXT = "%s [LEVEL] LOGGER: request %s, trace %s, client %s: %s %s: CODE in %.6f s, %d bytes received, %d sent\n"


class Request(NamedTuple):
    """What a line tells. All but `client` have to be of a form that no caller can break a line or a string with."""

    id: str
    trace: str
    client: str
    method: str
    route: str
    code: int | str
    seconds: float
    received: int  # bytes
    sent: int  # bytes


class AccessLog:
    """The lines of one logger."""

    def __init__(self, logger: str, code: type, level: int = logging.INFO) -> None:
        """`code`: what an answer's code is, int or str."""
        self._enabled = logging.getLogger(logger).isEnabledFor(level)
        template = _TEXT if terminal() else _JSON
        template = template.replace("LEVEL", logging.getLevelName(level).lower()).replace("LOGGER", logger)
        self._template = template.replace("CODE", "%d" if code is int else '"%s"')

    def write(self, requests: Iterable[Request]) -> None:
        """Requests that have just ended."""
        if not self._enabled:
            return
        time, template = timestamp(), self._template
        STDOUT.write_soon(
            [
                template % (time, id, trace, quoted(client), method, route, code, seconds, received, sent)
                for id, trace, client, method, route, code, seconds, received, sent in requests
            ]
        )
