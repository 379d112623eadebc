"""The answer to what is no HTTP request: it never reaches the application, and yet looks like every other error."""

from http import HTTPStatus

from google.rpc import code_pb2

from gateway.channel import DOMAIN
from gateway.headers import new_request_id, standard_headers
from gateway.metrics import REFUSED
from gateway.transcoding import Refusal, problem_response

_TEXTS = {
    400: ("The request is not valid HTTP/1.1.", "MALFORMED_REQUEST"),
    431: ("The request's header fields are too large, or too many.", "HEADERS_TOO_LARGE"),
}


def refusal(status: int) -> bytes:
    """The whole answer, 400 or 431 (RFC 6585, section 5), after which the connection closes."""
    text, reason = _TEXTS[status]
    REFUSED.labels(reason.lower()).inc()
    problem = Refusal(text, code=code_pb2.INVALID_ARGUMENT, reason=reason).status(DOMAIN)
    response = problem_response(problem, http_status=status)
    headers = [*response.raw_headers, *standard_headers(new_request_id(), ()), (b"connection", b"close")]
    head = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (status, HTTPStatus(status).phrase.encode(), head, response.body)
