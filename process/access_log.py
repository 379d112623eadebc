"""One line a request, at a fraction of what a logger and a formatter cost: made by hand, of values whose form is known."""

import logging

from process.log_fields import quoted, timestamp
from process.log_stream import STDOUT
from process.logs import terminal

_JSON = (
    '{"time":"%s","level":"LEVEL","logger":"LOGGER","event":"request","request_id":"%s","trace_id":"%s","client":%s,'
    '"method":"%s","route":"%s","code":CODE,"duration":%.6f,"received":%d,"sent":%d}\n'
)
_TEXT = "%s [LEVEL] LOGGER: request %s, trace %s, client %s: %s %s: CODE in %.6f s, %d bytes received, %d sent\n"


class AccessLog:
    """The lines of one logger."""

    def __init__(self, logger: str, code: type, level: int = logging.INFO) -> None:
        """`code`: what an answer's code is, int or str."""
        self.enabled = logging.getLogger(logger).isEnabledFor(level)
        template = _TEXT if terminal() else _JSON
        template = template.replace("LEVEL", logging.getLevelName(level).lower()).replace("LOGGER", logger)
        self._template = template.replace("CODE", "%d" if code is int else '"%s"')

    def write(
        self,
        request_id: str,
        trace_id: str,
        client: str,
        method: str,
        route: str,
        code: int | str,
        seconds: float,
        received: int,
        sent: int,
    ) -> None:
        """All but `client` have to be of a form that no caller can break a line or a string with. `received` and `sent` are bytes."""
        STDOUT.write_soon(
            self._template % (timestamp(), request_id, trace_id, quoted(client), method, route, code, seconds, received, sent)
        )
