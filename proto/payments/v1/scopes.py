"""The scope of an API key that a method requires, as the proto files say; the server enforces it, and the gateway's OpenAPI shows it."""

from google.protobuf.descriptor import MethodDescriptor

from payments.v1 import annotations_pb2


def required_scope(method: MethodDescriptor) -> str:
    """`read` or `write`; empty, which no key has, where the proto file says nothing of the method."""
    scope = method.GetOptions().Extensions[annotations_pb2.required_scope]
    return annotations_pb2.Scope.Name(scope).removeprefix("SCOPE_").lower() if scope else ""
