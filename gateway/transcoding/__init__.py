"""gRPC services over HTTP and JSON: `transcode` takes descriptors and a channel, and returns the routes of what is annotated.

    app = Starlette(routes=transcode([library_pb2.DESCRIPTOR.services_by_name["Library"]], channel))

It knows nothing of the services it serves; google/api/http.proto says where they are, ProtoJSON what they look like.
"""

from gateway.transcoding._call import Call, Handler
from gateway.transcoding._format import JsonFormat
from gateway.transcoding._invalid_json import Violation
from gateway.transcoding._stream import StreamedResponse
from gateway.transcoding.openapi import openapi
from gateway.transcoding.problem import Refusal, RpcFailed, problem_response
from gateway.transcoding.routes import Endpoint, transcode

__all__ = [
    "Call",
    "Endpoint",
    "Handler",
    "JsonFormat",
    "Refusal",
    "RpcFailed",
    "StreamedResponse",
    "Violation",
    "openapi",
    "problem_response",
    "transcode",
]
