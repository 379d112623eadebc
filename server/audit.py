"""One line of JSON a write on the log: who asked for what, of which payment, and what became of it; nothing of what it holds.

Lines are written before the answer leaves, so that no write is acknowledged without its line. Those of calls that travel together are
written at once.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from process.log_fields import quoted, timestamp
from server.call import Caller, Metadata, loggable_id
from server.errors import code_name
from server.service import UUID, given_id

# A payment's id, a request's id, and a code of google.rpc.Code.
_Write = tuple[str, str | bytes, int]


def record(
    rpc: str, request: Message | None, reply: Message | None, metadata: Metadata, callers: Sequence[Caller], codes: Sequence[int]
) -> None:
    """Writes a line for each write of a call. `reply`: None where the call failed as a whole; `callers` and `codes`: one a call."""
    time = timestamp()
    clients = callers if len(callers) > 1 else None
    lines = []
    for number, (payment_id, request_id, code) in enumerate(_writes(request, reply, metadata, codes)):
        client = (clients[number] if clients else callers[0]).client
        id = payment_id.lower() if UUID.fullmatch(payment_id) else ""
        lines.append(
            f'{{"time":"{time}","logger":"audit","client":{quoted(client)},"request_id":"{loggable_id(request_id)}","rpc":"{rpc}","payment_id":"{id}",'
            f'"outcome":"{code_name(code)}"}}\n'
        )
    if lines:
        # Whatever the level of other lines. Python's logging costs several times what a line does, and adds nothing to it.
        sys.stderr.write("".join(lines))
        sys.stderr.flush()


def _writes(request: Any, reply: Any, metadata: Metadata, codes: Sequence[int]) -> Iterator[_Write]:
    calls = getattr(request, "calls", None)
    if calls is not None:  # several callers' in one message of the gateway
        for number, call in enumerate(calls):
            asked = call.context.payment_id or getattr(call.request, "id", "")
            yield (reply and reply.results[number].payment.id) or asked, call.context.request_id, codes[number]
        return
    request_id = metadata.get("x-request-id", "")
    results = getattr(reply, "results", None)
    if results is not None:  # a batch
        for result in results:
            yield result.payment.id, request_id, result.error.code
        return
    asked = getattr(request, "id", "") or given_id(metadata)
    yield reply.id if reply else asked, request_id, codes[0]
