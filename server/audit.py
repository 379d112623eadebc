"""One line of JSON a write on standard error: who asked for what, of which payment, and what became of it; nothing of what it holds.

Lines are written before the answers leave, so that no write is acknowledged without its line; those of answers that leave in one turn of
the event loop are written at once.
"""

import sys

from google.protobuf.descriptor import MethodDescriptor

from process.log_fields import quoted, timestamp
from server.ended import Ended, Record
from server.errors import code_name
from server.service import UUID

_lines: list[str] = []


class Audit:
    """Of the calls of one method."""

    def __init__(self, method: MethodDescriptor) -> None:
        self._batch = "results" in method.output_type.fields_by_name
        self._names_payment = "id" in method.input_type.fields_by_name
        self._template = (
            '{"time":"%s","logger":"audit","client":%s,"request_id":"%s","rpc":"' + method.name + '","payment_id":"%s","outcome":"%s"}\n'
        )

    def note(self, ended: Ended) -> None:
        """The lines are on their way with the next `write`."""
        time = timestamp()
        for call, reply, caller, code in zip(ended.calls, ended.replies, ended.callers, ended.codes, strict=True):
            if reply is None:
                writes = [(self._asked(call), code)]
            elif self._batch:
                writes = [(result.payment.id, result.error.code) for result in reply.results]
            else:
                writes = [(reply.id, code)]
            client = quoted(caller.client)
            for payment_id, outcome in writes:
                _lines.append(self._template % (time, client, call.request_id, payment_id, code_name(outcome)))

    def _asked(self, call: Record) -> str:
        """The payment that a failed call was about; empty where it has named none in the form of an id. What the request names comes first:
        the id in the metadata is a create's, and of any other call whatever its caller has written there."""
        named: str = call.request.id if self._names_payment and call.request is not None else ""
        id = named or call.payment_id
        return id.lower() if UUID.fullmatch(id) else ""


def write() -> None:
    """Writes what has been noted, whatever the level of other lines."""
    if _lines:
        text = "".join(_lines)
        _lines.clear()
        # Python's logging costs several times what a line does, and adds nothing to it.
        sys.stderr.write(text)
        sys.stderr.flush()
