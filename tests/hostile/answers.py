"""What every answer to a hostile request has to be."""

import asyncio
import json
import re

from tests.rest import LEAKS, REQUEST_ID

_STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*")
_ERRORS = range(400, 500)
# What the gateway never says of a request, however it was mutated: 501 and 505 would be its own failure to refuse it.
_SUCCESS = {200, 304}


class Wrong(AssertionError):
    """An answer that no request may get; str() shows both."""


class Answer:
    """A status, headers by lower-case name, and a body."""

    def __init__(self, head: bytes, body: bytes) -> None:
        line, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise Wrong(f"no HTTP: {head[:200]!r}")
        self.status = int(match[1])
        self.headers = {
            name.decode().lower(): value.strip().decode("latin-1") for name, _, value in (field.partition(b":") for field in fields)
        }
        self.body = body

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


async def read_answer(reader: asyncio.StreamReader, *, head_only: bool) -> Answer:
    """The next answer. Raises asyncio.IncompleteReadError where the connection has ended, and Wrong."""
    answer = Answer(await reader.readuntil(b"\r\n\r\n"), b"")
    while answer.status == 100:
        answer = Answer(await reader.readuntil(b"\r\n\r\n"), b"")
    if head_only or answer.status in (204, 304):
        return answer
    if answer.headers.get("transfer-encoding") == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            answer.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        answer.body = await reader.readexactly(int(answer.headers.get("content-length", "0")))
    return answer


def check(request: bytes, answer: Answer, *, head_only: bool = False) -> None:
    """Raises Wrong unless the answer is a truthful success or a refusal that tells no more than it should."""
    faults = []
    if answer.status not in _SUCCESS and answer.status not in _ERRORS:
        faults.append("status")
    if not REQUEST_ID.fullmatch(answer.headers.get("x-request-id", "")):
        faults.append("X-Request-Id")
    if answer.headers.get("x-content-type-options") != "nosniff":
        faults.append("nosniff")
    if answer.headers.get("cache-control") not in ("no-store", "private, no-cache") and not re.search(rb" /(docs|openapi)", request[:60]):
        faults.append("Cache-Control")
    faults += [f"header {name}" for name in ("server", "x-injected", "location", "set-cookie") if name in answer.headers]
    if answer.status in _ERRORS:
        if answer.headers.get("content-type") != "application/problem+json":
            faults.append("Content-Type")
        elif not head_only:
            text = answer.body.decode()
            if json.loads(text)["status"] != answer.status:
                faults.append("problem")
            sent = request.decode("latin-1")
            if any(leak[0] not in sent and leak[0] not in json.dumps(sent) for leak in LEAKS.finditer(text)):
                faults.append("leak")
    if faults:
        raise Wrong(f"{', '.join(faults)}\nrequest: {request[:600]!r}\nanswer: {answer.status} {answer.headers} {answer.body[:600]!r}")
