"""Requests that a schema allows and the API does not: a header and a field that are one thing, given with two values."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext

HEADERS = {"Idempotency-Key": "request_id", "If-Match": "etag"}


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Leaves the header out where the body or the query names the field too."""
    for header, field in HEADERS.items():
        if any(isinstance(part, dict) and field in part for part in (case.body, case.query)):
            case.headers.pop(header, None)
