"""REST: each endpoint, and what it says to those who ask wrongly."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests

from tests.smoke.check import Check, Clock, Failed, NotAsked, expect
from tests.smoke.own import Own

GROUP = "REST"
_JSON = {"Content-Type": "application/json"}


@dataclass
class Rest:
    """A client of the service's public URL. `version`: what it has to run; nothing to take any."""

    url: str
    key: str
    ca: str
    version: str
    own: Own
    clock: Clock
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.session.verify = self.ca or True

    def ask(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None, keyed: bool = True
    ) -> requests.Response:
        """Raises Failed where there is no answer."""
        sent = {**(_JSON if body is not None else {}), **(headers or {})}
        if keyed and self.key:
            sent["Authorization"] = f"Bearer {self.key}"
        patience = self.clock.patience()
        try:
            return self.session.request(
                method, self.url.rstrip("/") + path, data=body, headers=sent, timeout=patience, allow_redirects=False
            )
        except requests.RequestException as error:
            why = f"within {patience:.1f} seconds" if isinstance(error, requests.Timeout) else f"({type(error).__name__})"
            raise Failed(f"{method} {path} got no answer {why}") from error

    def create(self) -> dict[str, Any]:
        key = self.own.key()
        answer = answered(self.ask("POST", "/create", self._document(key), {"Idempotency-Key": key}), 200)
        payment = exact(answer)
        self.own.made(key, _field(payment, "id"))
        return {**payment, "key": key}

    def _document(self, key: str, amount: str = "0.01") -> str:
        return f'{{"data":{self.own.data(key)},"payment":{amount}}}'

    def checks(self) -> list[Check]:
        named = {
            "GET /status": self.status,
            "POST /create": self.creates,
            "POST /create with a key sent twice": self.repeats,
            "POST /create:batch": self.batch,
            "GET /get/{id}": self.gets,
            "GET /list": self.lists,
            "PUT /update/{id}": self.updates,
            "DELETE /delete/{id}": self.deletes,
            "400, 404, 405, 415": self.refusals,
            "401 without an API key": self.asks_for_keys,
            "metrics are not public": self.hides_metrics,
        }
        return [Check(GROUP, name, run) for name, run in named.items()]

    def status(self) -> str:
        answer = answered(self.ask("GET", "/status"), 200)
        expect(answer.text.strip() == "ok", f"GET /status says {answer.text[:100]!r}")
        version = answer.headers.get("Payments-Version", "")
        expect(bool(version), "GET /status names no version")
        expect(self.version in ("", version), f"version {version} runs, not {self.version}")
        return f"ok, version {version}"

    def creates(self) -> str:
        payment = self.create()
        mark = json.loads(self.own.data(payment["key"]))
        found = (payment["status"], payment["data"], Decimal(str(payment["payment"])), payment["etag"])
        expect(found == ("inserted", mark, Decimal("0.01"), "1"), f"the payment is {payment}")
        return str(payment["id"])

    def repeats(self) -> str:
        payment = self.create()
        headers = {"Idempotency-Key": payment["key"]}
        again = exact(answered(self.ask("POST", "/create", self._document(payment["key"]), headers), 200))
        expect(again["id"] == payment["id"], f"the same key made {payment['id']} and {again['id']}")
        problem(self.ask("POST", "/create", self._document(payment["key"], "0.02"), headers), 409, "IDEMPOTENCY_KEY_REUSED")
        return "one payment; 409 with other content"

    def batch(self) -> str:
        keys = [self.own.key() for _ in range(3)]
        items = [f'{self._document(key)[:-1]},"request_id":"{key}"}}' for key in keys[:2]]
        answer = answered(self.ask("POST", "/create:batch", f'{{"requests":[{",".join(items)},{self._document(keys[2], "-1")}]}}'), 200)
        results = _field(exact(answer), "results")
        for key, result in zip(keys[:2], results, strict=False):
            self.own.made(key, _field(_field(result, "payment"), "id"))
        self.own.refused(keys[2])
        expect(len(results) == 3 and "error" in results[2], f"three items are answered with {answer.text[:300]}")
        return "two created, one refused for itself"

    def gets(self) -> str:
        payment = self.create()
        answer = answered(self.ask("GET", f"/get/{payment['id']}"), 200)
        expect({**exact(answer), "key": payment["key"]} == payment, f"{payment['id']} is {answer.text[:300]}, and was created as {payment}")
        answered(self.ask("GET", f"/get/{payment['id']}", headers={"If-None-Match": answer.headers.get("ETag", "")}), 304)
        return "as created; 304 for its etag"

    def lists(self) -> str:
        self.create()
        answer = answered(self.ask("GET", "/list?page_size=2"), 200)
        page = exact(answer)
        expect(isinstance(page, list) and 1 <= len(page) <= 2, f"a page of two is {answer.text[:300]}")
        return f"a page of {len(page)}"

    def updates(self) -> str:
        payment = self.create()
        path, headers, body = f"/update/{payment['id']}", {"If-Match": '"1"'}, '{"status":"consumed"}'
        consumed = exact(answered(self.ask("PUT", path, body, headers), 200))
        expect((consumed["status"], consumed["etag"]) == ("consumed", "2"), f"consumed, it is {consumed}")
        problem(self.ask("PUT", path, body, headers), 412, "ETAG_MISMATCH")
        stored = exact(answered(self.ask("GET", f"/get/{payment['id']}"), 200))
        expect(stored == consumed, f"consumed, it is read as {stored}")
        return "consumed once; 412 the second time"

    def deletes(self) -> str:
        payment = self.create()
        deleted = exact(answered(self.ask("DELETE", f"/delete/{payment['id']}"), 200))
        expect(deleted["id"] == payment["id"], f"deleting {payment['id']} answers with {deleted}")
        problem(self.ask("GET", f"/get/{payment['id']}"), 404, "PAYMENT_NOT_FOUND")
        problem(self.ask("DELETE", f"/delete/{payment['id']}"), 404, "PAYMENT_NOT_FOUND")
        self.own.removed(payment["id"])
        return "gone; 404 the second time"

    def refusals(self) -> str:
        bad = problem(self.ask("POST", "/create", '{"data":{},"payment":1.234}'), 400)
        expect(any(each.get("field") == "payment" for each in bad.get("errors", [])), f"1.234 is refused without naming the field: {bad}")
        problem(self.ask("POST", "/create", "{"), 400)
        problem(self.ask("GET", "/get/1"), 400)
        problem(self.ask("GET", f"/get/{uuid.UUID(int=7 << 76)}"), 404)
        problem(self.ask("GET", "/no-such-path"), 404)
        problem(self.ask("PATCH", "/create", "{}"), 405)
        problem(self.ask("POST", "/create", "{}", {"Content-Type": "text/plain"}), 415)
        return "told as problem documents, with the field"

    def asks_for_keys(self) -> str:
        if not self.key:
            raise NotAsked("no API key was given")
        problem(self.ask("GET", "/list?page_size=1", keyed=False), 401)
        return "refused"

    def hides_metrics(self) -> str:
        answer = self.ask("GET", "/metrics", keyed=False)
        expect(answer.status_code in (401, 403, 404), f"GET /metrics answers {answer.status_code} to everybody")
        return str(answer.status_code)


def answered(answer: requests.Response, status: int) -> requests.Response:
    """Raises Failed where it has another status."""
    request = answer.request
    text = f"{request.method} {request.path_url} answered {answer.status_code} instead of {status}: {answer.text[:300]}"
    expect(answer.status_code == status, text)
    return answer


def problem(answer: requests.Response, status: int, reason: str = "") -> dict[str, Any]:
    """A refusal as RFC 9457 has it."""
    answered(answer, status)
    kind = answer.headers.get("Content-Type", "")
    expect(kind == "application/problem+json", f"{status} of {answer.request.path_url} is {kind}, not a problem document")
    found: dict[str, Any] = exact(answer)
    expect(reason in ("", found.get("reason")), f"the reason is {found.get('reason')}, not {reason}")
    return found


def exact(answer: requests.Response) -> Any:
    """Its JSON, with decimals kept. Raises Failed."""
    try:
        return json.loads(answer.content, parse_float=Decimal)
    except ValueError:
        raise Failed(f"{answer.request.method} {answer.request.path_url} answers with no JSON: {answer.text[:300]!r}") from None


def _field(value: Any, name: str) -> Any:
    expect(isinstance(value, dict) and name in value, f"the answer has no {name}: {str(value)[:300]}")
    return value[name]
