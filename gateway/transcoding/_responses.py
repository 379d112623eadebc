"""What an operation of an OpenAPI document may answer beside success: problems (RFC 9457), as gateway.transcoding.problem writes them."""

from collections.abc import Iterator
from typing import Any

from google.rpc import code_pb2

from gateway.transcoding.http_rule import Binding

_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait before the next attempt.", "schema": {"type": "integer", "minimum": 1}}}

_CHALLENGE = {"WWW-Authenticate": {"description": "What is asked for, and what was wrong (RFC 9110).", "schema": {"type": "string"}}}
_HEADERS = {"401": _CHALLENGE, "403": _CHALLENGE, "429": _RETRY_AFTER, "503": _RETRY_AFTER}
_ACCESS = ("401", "403")

# Status: name of the component, what it says.
_PROBLEMS = {
    "400": ("BadRequest", "The request is not valid; `errors` names the fields at fault."),
    "401": ("Unauthorized", "The credential is missing or not valid."),
    "403": ("Forbidden", "The credential does not allow this."),
    "404": ("NotFound", "There is no such resource."),
    "409": ("Conflict", "The resource exists already, or another request came in between."),
    "413": ("ContentTooLarge", "The body is too large."),
    "415": ("UnsupportedMediaType", "The body is not JSON in UTF-8, or it is compressed."),
    "429": ("TooManyRequests", "Too many requests."),
    "500": ("InternalServerError", "The service failed."),
    "503": ("ServiceUnavailable", "The service is unavailable."),
    "504": ("GatewayTimeout", "The service did not answer in time."),
    "default": ("Problem", "Any other error."),
}

PROBLEM_SCHEMA: dict[str, Any] = {
    "description": "Problem details (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {
            "description": "`about:blank`: no more than the status says (RFC 9457, section 4.2.1).",
            "type": "string",
            "format": "uri-reference",
        },
        "title": {"description": "The name of the HTTP status.", "type": "string"},
        "status": {"description": "The HTTP status.", "type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"description": "What went wrong, for people.", "type": "string"},
        "code": {
            "description": "The canonical code (google.rpc.Code).",
            "type": "string",
            "enum": [name for name, number in code_pb2.Code.items() if number != code_pb2.OK],
        },
        "reason": {"description": "What went wrong, for programs: unique within the domain.", "type": "string"},
        "domain": {"description": "Who gives the reason its meaning.", "type": "string"},
        "errors": {
            "description": "The fields at fault.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"description": "Its path, such as `requests[3].name`; empty for the body as a whole.", "type": "string"},
                    "description": {"description": "What is wrong with it.", "type": "string"},
                },
                "required": ["field", "description"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "code"],
}


def problem_components(secured: bool) -> dict[str, Any]:
    """`components.responses`, which the application's own paths may refer to as well; `secured`: where some need a credential."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        name: {"description": text, **({"headers": _HEADERS[status]} if status in _HEADERS else {}), "content": content}
        for status, (name, text) in _PROBLEMS.items()
        if secured or status not in _ACCESS
    }


def problem_responses(binding: Binding, secured: bool) -> dict[str, Any]:
    """The errors that a binding may answer with, by status; `secured`: where it needs a credential."""
    unfit = {*_unfit(binding), *(() if secured else _ACCESS)}
    return {status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in _PROBLEMS.items() if status not in unfit}


def _unfit(binding: Binding) -> Iterator[str]:
    if not binding.body:
        yield from ("413", "415")
    if binding.http_method in ("GET", "HEAD"):
        yield "409"
        if not binding.variables:
            yield "404"
