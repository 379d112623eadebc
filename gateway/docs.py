"""The OpenAPI document and /docs, which works without internet access: Swagger UI's files come from a package."""

import json
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from fastapi.openapi.docs import get_swagger_ui_html
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from gateway.channel import SERVICE
from gateway.transcoding import JsonFormat
from gateway.transcoding.openapi import openapi
from payments.v1.scopes import required_scope

TITLE = "Payments"

_ETAG = {"ETag": {"description": "The payment's etag (RFC 9110).", "schema": {"type": "string"}}}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes the call idempotent for seven days; the same as request_id in the body.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,64}$"},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "Only if the payment's etag is one of these (RFC 9110): else 412.",
    "schema": {"anyOf": [{"const": "*"}, {"type": "string", "pattern": '^"[!#-~]*"(, "[!#-~]*"){0,7}$'}]},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "Only if the payment's etag is none of these (RFC 9110): else 304.",
    "schema": {"anyOf": [{"const": "*"}, {"type": "string", "pattern": '^(W/)?"[!#-~]*"(, (W/)?"[!#-~]*"){0,7}$'}]},
}
_PARAMETERS = {
    f"{SERVICE}.CreatePayment": [_IDEMPOTENCY_KEY],
    f"{SERVICE}.GetPayment": [_IF_NONE_MATCH],
    f"{SERVICE}.UpdatePayment": [_IF_MATCH],
    f"{SERVICE}.DeletePayment": [_IF_MATCH],
}
_NEXT = {"Link": {"description": "The next page (RFC 8288), where there is one.", "schema": {"type": "string"}}}
_ONE_PAYMENT: dict[str, Any] = {"200": {"headers": _ETAG}}
_CONDITION_FAILED = {
    "description": "The payment's etag is none of those in If-Match.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_RESPONSES: dict[str, dict[str, Any]] = {
    f"{SERVICE}.CreatePayment": _ONE_PAYMENT,
    f"{SERVICE}.GetPayment": _ONE_PAYMENT | {"304": {"description": "The payment is as If-None-Match has it.", "headers": _ETAG}},
    f"{SERVICE}.ListPayments": {"200": {"headers": _NEXT}},
    f"{SERVICE}.UpdatePayment": _ONE_PAYMENT | {"412": _CONDITION_FAILED},
    f"{SERVICE}.DeletePayment": _ONE_PAYMENT | {"412": _CONDITION_FAILED},
}
_STATUS_PATH = {
    "get": {
        "operationId": "Status",
        "summary": "Whether the service can do its work, database included.",
        "responses": {
            "200": {"description": "It can.", "content": {"text/plain": {"schema": {"type": "string", "const": "ok"}}}},
            "503": {"$ref": "#/components/responses/ServiceUnavailable"},
        },
    }
}
_API_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key. Each operation names the scope that it requires, read or write; a key with write may read, too.",
}
_UUID = {"format": "uuid"}
_AMOUNT = {"minimum": 0, "maximum": 99999.99, "multipleOf": 0.01}
_REFINEMENTS: dict[str, dict[str, Any]] = {
    "payments.v1.Payment.id": _UUID,
    "payments.v1.GetPaymentRequest.id": _UUID,
    "payments.v1.UpdatePaymentRequest.id": _UUID,
    "payments.v1.DeletePaymentRequest.id": _UUID,
    "payments.v1.Payment.payment": _AMOUNT,
    "payments.v1.CreatePaymentRequest.payment": _AMOUNT,
    "payments.v1.CreatePaymentRequest.request_id": {"pattern": "^[!-~]{0,64}$"},
    "payments.v1.ListPaymentsRequest.page_size": {"minimum": 0},
    "payments.v1.BatchCreatePaymentsRequest.requests": {"minItems": 1, "maxItems": 1000},
}


def describe(services: list[ServiceDescriptor], format: JsonFormat, api_keys: bool) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API, with the proto's comments as descriptions. `api_keys`: whether the server asks for them."""
    sources = FileDescriptorSet.FromString((files("payments.v1") / "payments.binpb").read_bytes())
    return openapi(
        services,
        format=format,
        sources=sources,
        title=TITLE,
        version=version("payments"),
        parameters=_PARAMETERS,
        extra_responses=_RESPONSES,
        extra_paths={"/status": _STATUS_PATH},
        refinements=_REFINEMENTS,
        security_schemes={"apiKey": _API_KEY} if api_keys else None,
        security=_scopes(services) if api_keys else None,
    )


def _scopes(services: list[ServiceDescriptor]) -> dict[str, list[dict[str, list[str]]]]:
    """By the full name of a method, the scope that the proto files say it requires."""
    return {method.full_name: [{"apiKey": [required_scope(method)]}] for service in services for method in service.methods}


def docs_routes(document: dict[str, Any]) -> list[Route | Mount]:
    """/openapi.json, /docs and its files."""
    text = json.dumps(document, ensure_ascii=False).encode()

    async def openapi_json(request: Request) -> Response:
        return Response(text, media_type="application/json")

    async def docs(request: Request) -> Response:
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title=TITLE,
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="docs/favicon-32x32.png",
            swagger_ui_parameters={"validatorUrl": None},  # else the page asks a server on the internet
        )

    assets = StaticFiles(packages=[("fastapi_swagger", "resources")])
    return [Route("/openapi.json", openapi_json), Route("/docs", docs), Mount("/docs", assets)]
