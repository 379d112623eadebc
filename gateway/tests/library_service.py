"""The service of library.proto: its descriptors, compiled when first asked for, and an implementation that answers with what it was asked."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc.aio
import grpc_tools
from google.api import annotations_pb2
from google.protobuf import descriptor_pool, field_mask_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

_HERE = Path(__file__).parent
# What library.proto imports has to be in the pool before it.
IMPORTED = (annotations_pb2, field_mask_pb2, timestamp_pb2, wrappers_pb2)


@cache
def library() -> ServiceDescriptor:
    # google/api comes with googleapis-common-protos, google/protobuf with grpcio-tools.
    roots = [_HERE, Path(annotations_pb2.__file__).parents[2], Path(grpc_tools.__file__).parent / "_proto"]
    includes = [f"-I{root}" for root in roots]
    with TemporaryDirectory() as directory:
        out = Path(directory, "library.binpb")
        protoc = [sys.executable, "-m", "grpc_tools.protoc", *includes, f"--descriptor_set_out={out}", "library.proto"]
        subprocess.run(protoc, check=True)
        pool = descriptor_pool.Default()
        for file in FileDescriptorSet.FromString(out.read_bytes()).file:
            pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("library.v1.Library")


def message(of_type: str, /, **fields: Any) -> Any:
    return GetMessageClass(library().file.message_types_by_name[of_type])(**fields)


class Library:
    """What each method was asked is in `requests`, in order; how streams and slow calls end is in `ends`."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.metadata: list[dict[str, Any]] = []
        self.ends: list[str] = []

    async def GetShelf(self, request: Any, context: Any) -> Message:
        return message("Shelf", shelf_id=request.shelf_id, place=request.place, genre=request.genre)

    async def GetBook(self, request: Any, context: Any) -> Message:
        return message("Book", name=request.name, title="Ulysses", genre="GENRE_FICTION", pages=2**60)

    async def ListBooks(self, request: Any, context: Any) -> Message:
        books = [message("Book", name=f"{request.parent}/books/{number}") for number in range(request.page_size)]
        newest = books[-1] if books else None
        return message("ListBooksResponse", books=books, next_page_token='n"ext', counts={"a": 1}, newest=newest, total=len(books))

    async def CreateBook(self, request: Any, context: Any) -> Message:
        return request.book

    UpdateBook = CreateBook

    async def TagBook(self, request: Any, context: Any) -> Message:
        return message("Book", name=request.name, tags=request.tags)

    async def DeleteBook(self, request: Any, context: Any) -> Message:
        return Empty()

    async def LendBook(self, request: Any, context: Any) -> Message:
        return message("Book", name=request.name, lent=True)

    async def GetFile(self, request: Any, context: Any) -> Message:
        return message("File", path=request.path)

    CheckFile = Hidden = GetFile

    async def WatchBooks(self, request: Any, context: Any) -> AsyncIterator[Message]:
        try:
            for number in range(request.count):
                if request.fail_after and number == request.fail_after:
                    await context.abort(grpc.StatusCode.NOT_FOUND, "the shelf is gone")
                self.ends.append(str(number))
                yield message("Book", title=str(number) * max(1, request.size))
            if request.fail_after and request.fail_after >= request.count:
                await asyncio.sleep(60)
        except (asyncio.CancelledError, GeneratorExit):
            self.ends.append("cancelled")
            raise

    async def Fail(self, request: Any, context: Any) -> Message:
        try:
            await asyncio.sleep(request.delay)
        except asyncio.CancelledError:
            self.ends.append("cancelled")
            raise
        self.ends.append("done")
        code = next((code for code in grpc.StatusCode if code.value[0] == request.code), grpc.StatusCode.OK)
        if code is grpc.StatusCode.OK:
            return Empty()
        if request.detailed:
            context.set_trailing_metadata((("grpc-status-details-bin", _details(request).SerializeToString()),))
        await context.abort(code, request.text)


def _details(request: Any) -> status_pb2.Status:
    status = status_pb2.Status(code=request.code, message=request.text)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="TOLD_TO", domain="library.v1", metadata={"host": "10.0.0.1"}))
    fault = error_details_pb2.BadRequest.FieldViolation(field="code", description="is a code of failure")
    status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[fault]))
    if request.retry_after:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(request.retry_after * 1e9))
        status.details.add().Pack(retry)
    return status


@asynccontextmanager
async def serving(servicer: Library) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server of the library on a port of the loopback interface."""
    server = grpc.aio.server()
    handlers = {method.name: _handler(servicer, method) for method in library().methods}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(library().full_name, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


def _handler(servicer: Library, method: Any) -> Any:
    def noted(request: Any, context: Any) -> Any:
        servicer.requests.append(request)
        servicer.metadata.append(dict(context.invocation_metadata()))
        return getattr(servicer, method.name)(request, context)

    async def unary(request: Any, context: Any) -> Any:
        return await noted(request, context)

    async def stream(request: Any, context: Any) -> Any:
        async with aclosing(noted(request, context)) as replies:
            async for reply in replies:
                yield reply

    codec = {
        "request_deserializer": GetMessageClass(method.input_type).FromString,
        "response_serializer": GetMessageClass(method.output_type).SerializeToString,
    }
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(stream, **codec)
    return grpc.unary_unary_rpc_method_handler(unary, **codec)
