"""What a client says of itself as a proxy would does not reach the application. No answer would show it today; one might tomorrow."""

import asyncio
import socket
from types import SimpleNamespace

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.limits import Limits
from gateway.serve import uvicorn_config

SPOOFED = b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Port: 1\r\n"


@pytest.mark.parametrize("trusted", ["*", "127.0.0.1"])
async def test_a_request_comes_from_whom_it_comes(monkeypatch: pytest.MonkeyPatch, trusted: str) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)  # uvicorn's own variable
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    limits = Limits(receive=10, send=10, connections=10, unread=1 << 20, head=1 << 15, fields=100)
    server = uvicorn.Server(uvicorn_config(app, SimpleNamespace(limits=limits, max_unread=limits.unread)))  # type: ignore[arg-type]
    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()
    serving = asyncio.ensure_future(server._serve([listening]))
    reader, writer = await asyncio.open_connection(*address)
    own = writer.get_extra_info("sockname")
    writer.write(b"GET / HTTP/1.1\r\nHost: payments\r\nConnection: close\r\n" + SPOOFED + b"\r\n")
    await reader.read()
    writer.close()
    server.should_exit = True
    await serving
    assert scopes[0]["client"] == own
    assert scopes[0]["scheme"] == "http"
    assert scopes[0]["server"] == address
