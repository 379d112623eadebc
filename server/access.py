"""Who may call what: a call's API key, and the scope that the proto files say its method requires (payments.v1.scopes)."""

from google.rpc import code_pb2

from server.api_keys import KeyFile
from server.call import ANYBODY, Caller
from server.errors import Failure


class Access:
    """Without a file of keys anybody may call everything."""

    def __init__(self, keys: KeyFile | None) -> None:
        self._keys = keys

    @property
    def open(self) -> bool:
        return self._keys is None

    def caller(self, scope: str, authorization: str | bytes) -> Caller:
        """Whose key it is that `authorization`, a value of that header, has, and why it does not allow a call that requires the scope.

        The challenges are those of RFC 6750, section 3; where no key came at all they name no error (section 3.1).
        """
        if self._keys is None:
            return ANYBODY
        scheme, _, token = authorization.partition(" ") if isinstance(authorization, str) else ("", "", "")
        if scheme.lower() != "bearer":
            return Caller("", _unauthenticated("API_KEY_MISSING", "An API key is needed, as Authorization: Bearer.", 'realm="payments"'))
        key = self._keys.find(token.strip(" "))
        if key is None:
            return Caller("", _unauthenticated("API_KEY_INVALID", "The API key is not valid.", 'error="invalid_token"'))
        if key.expired:
            return Caller("", _unauthenticated("API_KEY_EXPIRED", "The API key has expired.", 'error="invalid_token"'))
        return Caller(key.client, None if scope in key.scopes else _forbidden(scope))


def _unauthenticated(reason: str, message: str, challenge: str) -> Failure:
    return Failure(code_pb2.UNAUTHENTICATED, reason, message, challenge=f"Bearer {challenge}")


def _forbidden(scope: str) -> Failure:
    challenge = 'Bearer error="insufficient_scope"'
    if not scope:
        return Failure(code_pb2.PERMISSION_DENIED, "METHOD_CLOSED", "No API key allows this method.", challenge=challenge)
    message = f"The API key does not have the scope {scope}."
    return Failure(code_pb2.PERMISSION_DENIED, "SCOPE_MISSING", message, challenge=f'{challenge}, scope="{scope}"')
