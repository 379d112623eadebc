"""A little of everything that clients do, so that every metric has something to tell."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping

import grpc
import requests

from payments.v1 import CreatePaymentRequest, ListPaymentsRequest, PaymentServiceStub

_UNKNOWN = "00000000-0000-7000-8000-000000000000"


class Client:
    """One of each API. `headers` go with every request of both, such as an API key."""

    def __init__(self, rest_url: str, channel: grpc.Channel, headers: Mapping[str, str] | None = None) -> None:
        self._url = rest_url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(headers or {})
        self._payments = PaymentServiceStub(channel)
        self._metadata = tuple((name.lower(), value) for name, value in (headers or {}).items())

    def round(self) -> None:
        """Each request once, some that are refused among them. Raises grpc.RpcError and requests.ConnectionError."""
        created = self._rest("POST", "/create", '{"data": {"order": 17}, "payment": 1234.50}')
        self._rest("POST", "/create:batch", '{"requests": [{"data": {}, "payment": 1}, {"data": {}, "payment": 2}]}')
        self._rest("POST", "/create", '{"data": {}, "payment": -1}')
        self._rest("GET", "/list?page_size=10")
        self._rest("GET", f"/get/{_UNKNOWN}")
        if created.ok:
            path = created.json()["id"]
            self._rest("GET", f"/get/{path}")
            self._rest("PUT", f"/update/{path}", '{"status": "consumed"}')
            self._rest("DELETE", f"/delete/{path}")
        self._payments.CreatePayment(CreatePaymentRequest(data="{}", payment="1"), metadata=self._metadata, timeout=10)
        self._payments.ListPayments(ListPaymentsRequest(page_size=10), metadata=self._metadata, timeout=10)

    def _rest(self, method: str, path: str, body: str | None = None) -> requests.Response:
        headers = {"Content-Type": "application/json"} if body else {}
        return self._session.request(method, self._url + path, data=body, headers=headers, timeout=10)


@contextlib.contextmanager
def load(make: Callable[[], Client], clients: int = 4, pause: Callable[[], float] = lambda: 0.05) -> Iterator[None]:
    """That many clients at once for as long as the context lasts; `pause` says how many seconds each waits before its next round."""
    stopped = threading.Event()

    def run() -> None:
        client = make()
        while not stopped.wait(pause()):
            # What breaks off is broken on purpose where this runs; it is counted by the service.
            with contextlib.suppress(grpc.RpcError, requests.ConnectionError):
                client.round()

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
