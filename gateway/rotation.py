"""A channel with TLS that is replaced when the files of its certificates are, without a failed call."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Self

import grpc
import grpc.aio

from process.certificates import Certificates, CertificateWatch

log = logging.getLogger("gateway")

_INTERVAL = 1.0  # seconds


class RotatingChannel(grpc.aio.Channel):
    """Calls begin on the newest channel that has reached a server; the one before has `grace` seconds for those that it has begun.

    While a new certificate gets no connection, as when its authority is one that the server does not know yet, the channel before stays
    in use. Files are watched for as long as the context lasts.
    """

    def __init__(self, watch: CertificateWatch, open_channel: Callable[[Certificates], grpc.aio.Channel], grace: float) -> None:
        self._watch = watch
        self._open = open_channel
        self._grace = grace
        self._channel = open_channel(watch.current)
        self._next: grpc.aio.Channel | None = None
        self._methods: list[_Method] = []
        self._closing: set[asyncio.Future[None]] = set()

    async def __aenter__(self) -> Self:
        self._watching = asyncio.ensure_future(self._renew())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._watching.cancel()
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        for closing in self._closing:
            closing.cancel()
        await self._channel.close(grace)
        if self._next:
            await self._next.close()

    def unary_unary(self, *arguments: Any, **options: Any) -> Any:
        return self._method("unary_unary", *arguments, **options)

    def unary_stream(self, *arguments: Any, **options: Any) -> Any:
        return self._method("unary_stream", *arguments, **options)

    def stream_unary(self, *arguments: Any, **options: Any) -> Any:
        return self._method("stream_unary", *arguments, **options)

    def stream_stream(self, *arguments: Any, **options: Any) -> Any:
        return self._method("stream_stream", *arguments, **options)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._channel.channel_ready()

    def _method(self, kind: str, *arguments: Any, **options: Any) -> "_Method":
        method = _Method(lambda channel: getattr(channel, kind)(*arguments, **options), self._channel)
        self._methods.append(method)
        return method

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL)
            renewed = await asyncio.to_thread(self._watch.renewed)
            if renewed:
                if self._next:
                    await self._next.close()
                self._next = self._open(renewed)
            if self._next and self._next.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY:
                self._replace(self._next)

    def _replace(self, channel: grpc.aio.Channel) -> None:
        for method in self._methods:
            method.go_by(channel)
        closing = asyncio.ensure_future(self._channel.close(self._grace))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        self._channel, self._next = channel, None
        log.info("calls go by the new certificates")


class _Method:
    """A method of whichever channel is in use."""

    def __init__(self, make: Callable[[grpc.aio.Channel], Any], channel: grpc.aio.Channel) -> None:
        self._make = make
        self._call = make(channel)

    def go_by(self, channel: grpc.aio.Channel) -> None:
        self._call = self._make(channel)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._call(*arguments, **options)
