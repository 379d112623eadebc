"""Serves the annotated methods of gRPC services over HTTP, as google/api/http.proto has it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from gateway.transcoding._body import Body, ClientGone, check_encoding, check_type
from gateway.transcoding._call import Call, Channel, Handler, Rpc, Trailing, answer
from gateway.transcoding._matching import Matched, Matcher
from gateway.transcoding._message import MessageReader
from gateway.transcoding.codec import Codec, JsonFormat
from gateway.transcoding.http_rule import Binding, bindings
from gateway.transcoding.problem import Refusal, RpcFailed, problem_response

Metadata = Callable[[Scope], list[tuple[str, str | bytes]]]

_FORWARDED = {
    b"x-request-id": re.compile(rb"[A-Za-z0-9._-]{1,64}"),
    b"traceparent": re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"),
}


def forwarded(scope: Scope) -> list[tuple[str, str | bytes]]:
    """The metadata of a call: the request's X-Request-Id and W3C traceparent where they are well-formed."""
    headers = dict(scope["headers"])
    return [(name.decode(), headers[name].decode()) for name, form in _FORWARDED.items() if form.fullmatch(headers.get(name, b""))]


def transcode(
    services: Sequence[ServiceDescriptor],
    channel: Channel,
    *,
    format: JsonFormat | None = None,
    handlers: Mapping[str, Handler] | None = None,
    metadata: Metadata = forwarded,
    trailing: Trailing | None = None,
    max_body: int = 1 << 20,
    timeout: float | None = 10.0,
    domain: str | None = None,
) -> list[BaseRoute]:
    """The routes of all annotated methods of `services`, which answer by calling the same methods on `channel`.

    format: how JSON looks; standard ProtoJSON where it is not given.
    handlers: by the full name of a unary method, what answers in place of one plain call.
    metadata: the gRPC metadata of a request's call.
    trailing: is told the trailing metadata of each call of a unary method, also of one that failed.
    max_body: bytes of a request's body; beyond them 413.
    timeout: seconds of a call, or until the first message of a stream; None for no limit.
    domain: of the ErrorInfo of what is refused here; without one there is none.

    Raises ValueError where an annotation breaks a rule of google/api/http.proto, two bindings claim the same paths, or a handler has no
    method to answer.
    """
    handlers = handlers or {}
    codecs: dict[str, Codec] = {}

    def codec(descriptor: Descriptor) -> Codec:
        if descriptor.full_name not in codecs:
            codecs[descriptor.full_name] = Codec(descriptor, format)
        return codecs[descriptor.full_name]

    matcher: Matcher[Endpoint] = Matcher()
    handled = set()
    for method in (method for service in services for method in service.methods):
        for binding in bindings(method):
            rpc = Rpc(_callable(channel, method), _encoder(binding, codec(method.output_type)), timeout)
            handler = Call.stream if method.server_streaming else handlers.get(method.full_name, answer)
            endpoint = Endpoint(binding, MessageReader(binding, codec(method.input_type)), rpc, handler, metadata, trailing, max_body)
            try:
                matcher.add(binding.template, binding.http_method, endpoint)
            except ValueError as error:
                raise ValueError(f"{method.full_name}: {error}") from None
            if not method.server_streaming:
                handled.add(method.full_name)
    if not handlers.keys() <= handled:
        raise ValueError(f"handlers without an annotated unary method: {', '.join(sorted(handlers.keys() - handled))}")
    return [TranscodedRoute(matcher, domain)]


def _callable(channel: Channel, method: MethodDescriptor) -> Callable[..., Any]:
    kind = channel.unary_stream if method.server_streaming else channel.unary_unary
    return kind(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=GetMessageClass(method.input_type).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )


def _encoder(binding: Binding, codec: Codec) -> Callable[[Message], bytes]:
    return partial(codec.encode_field, binding.response_body) if binding.response_body else codec.encode


@dataclass(frozen=True)
class Endpoint:
    """One binding, ready to answer."""

    binding: Binding
    reader: MessageReader
    rpc: Rpc
    handler: Handler
    metadata: Metadata
    trailing: Trailing | None
    max_body: int

    async def answer(
        self, scope: Scope, receive: Receive, segments: tuple[str, ...], headers: Mapping[bytes, bytes], body: Body
    ) -> Response:
        """`segments`: of the path. Raises Refusal, RpcFailed or ClientGone."""
        check_encoding(headers)
        content = b""
        if self.binding.body:
            if body.announced or b"content-type" in headers:
                check_type(headers)
            content = await body.read(self.max_body)
        else:
            await body.refuse_any(self.binding)
        message = self.reader.read(segments, scope["query_string"], content)
        return await self.handler(Call(self.rpc, scope, receive, message, self.metadata(scope), self.trailing))


class TranscodedRoute(BaseRoute):
    """All bindings as one route, for the most specific template wins whatever the order, and a 405 names the methods of all."""

    def __init__(self, matcher: Matcher[Endpoint], domain: str | None) -> None:
        self._matcher = matcher
        self._domain = domain

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Puts the Endpoint, whose binding tells what is being called, into the scope as `endpoint`."""
        if scope["type"] != "http":
            return Match.NONE, {}
        path = _raw_path(scope)
        matched = self._matcher.match(path, scope["method"])
        if matched is not None:
            return Match.FULL, {"endpoint": matched.target, "path_params": {}, "transcoding": matched}
        allowed = self._matcher.allowed(path)
        return (Match.PARTIAL, {"transcoding": allowed}) if allowed else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        body = Body(headers, receive)
        try:
            response = await self._answer(scope, receive, headers, body)
            if not await body.discard():
                response.headers["Connection"] = "close"
            if scope["method"] == "HEAD":
                await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
                await send({"type": "http.response.body"})
            else:
                await response(scope, receive, send)
        except ClientGone:
            return

    async def _answer(self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes], body: Body) -> Response:
        matched: Matched[Endpoint] | list[str] = scope["transcoding"]
        try:
            if isinstance(matched, list):
                raise _not_allowed(scope["method"], matched)
            return await matched.target.answer(scope, receive, matched.segments, headers, body)
        except Refusal as refusal:
            return problem_response(refusal.status(self._domain), refusal.http_status, refusal.headers)
        except RpcFailed as failure:
            return problem_response(failure.status)


def _not_allowed(method: str, allowed: list[str]) -> Refusal:
    methods = ", ".join(allowed)
    text = f"{method} is not allowed here; allowed: {methods}"
    return Refusal(text, code=code_pb2.UNIMPLEMENTED, reason="METHOD_NOT_ALLOWED", http_status=405, headers={"Allow": methods})


def _raw_path(scope: Scope) -> bytes:
    """The path as it was sent, below the application's own root."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    root = scope.get("root_path", "")
    if root:
        for prefix in (root.encode(), quote(root).encode()):
            if path.startswith(prefix + b"/"):
                return path[len(prefix) :]
    return path
