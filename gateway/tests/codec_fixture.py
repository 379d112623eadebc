"""The message types of codec_fixture.proto and codec_fixture_proto2.proto, compiled when first asked for."""

import importlib
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc_tools
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message

from gateway.transcoding.codec import Codec, InvalidJson, JsonFormat, Violation

_HERE = Path(__file__).parent


@cache
def descriptor_set() -> FileDescriptorSet:
    includes = [f"-I{_HERE}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}"]
    with TemporaryDirectory() as directory:
        out = Path(directory, "fixture.binpb")
        sources = ["codec_fixture.proto", "codec_fixture_proto2.proto"]
        protoc = [sys.executable, "-m", "grpc_tools.protoc", *includes, "--include_imports", f"--descriptor_set_out={out}", *sources]
        subprocess.run(protoc, check=True)
        return FileDescriptorSet.FromString(out.read_bytes())


@cache
def fixture_pool() -> descriptor_pool.DescriptorPool:
    # The options of fields are always parsed with the extensions of the default pool; what the fixture imports must be in it too.
    for imported in ("any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"):
        importlib.import_module(f"google.protobuf.{imported}_pb2")
    pool = descriptor_pool.Default()
    for file in descriptor_set().file:
        if file.package == "codec.fixture":
            pool.AddSerializedFile(file.SerializeToString())
    return pool


def message_class(name: str) -> type[Message]:
    return message_factory.GetMessageClass(fixture_pool().FindMessageTypeByName(f"codec.fixture.{name}"))


def literal_option() -> FieldDescriptor:
    return fixture_pool().FindExtensionByName("codec.fixture.literal")


@cache
def codec(name: str, format: JsonFormat | None = None) -> Codec:
    return Codec(message_class(name).DESCRIPTOR, format)


def violations(codec: Codec, body: bytes | str) -> list[Violation]:
    """What is wrong with the body; empty where it is accepted."""
    try:
        codec.decode(body if isinstance(body, bytes) else body.encode())
    except InvalidJson as error:
        return list(error.violations)
    return []
