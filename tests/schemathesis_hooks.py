"""What the configuration has no option for: a header that repeats a field, and which answer's id leads to which call."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext

HEADERS = {"Idempotency-Key": "request_id", "If-Match": "etag"}
OF_ONE_PAYMENT = {"/get/{id}": "get", "/update/{id}": "put", "/delete/{id}": "delete"}


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Leaves the header out where the body or the query names the field too: given both they must be equal, which no schema can say."""
    for header, field in HEADERS.items():
        if any(isinstance(part, dict) and field in part for part in (case.body, case.query)):
            case.headers.pop(header, None)


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Links each answer that is a payment to the calls on it, so that sequences such as a use after a delete are played."""
    paths = raw_schema["paths"]
    links = {
        method: {"operationId": paths[path][method]["operationId"], "parameters": {"id": "$response.body#/id"}}
        for path, method in OF_ONE_PAYMENT.items()
    }
    for path, method in {"/create": "post", **OF_ONE_PAYMENT}.items():
        paths[path][method]["responses"]["200"].setdefault("links", links)
