"""The six RPCs of payments.v1.PaymentService: what a request must be, and what it does."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from batching import Batcher
from payments.v1 import payments_pb2 as pb
from payments.v1 import uuid7
from payments.v1.listing_pb2 import ListPaymentsJsonResponse
from payments.v1.metadata import PAYMENT_ID
from process.tracing import SPANS
from server import document, idempotency, money, page_token
from server.call import Call, Caller, Metadata
from server.database import Database
from server.errors import Failure, invalid
from server.limits import MOST, Limits
from server.repository import NewPayment, Page, Payment, Repository, StatusChange

MOST_TOGETHER = 1000  # reads or updates in one statement
LARGEST_GROUP = 1 << 20  # bytes of the creates in one statement: it bounds the statement's time
DEFAULT_PAGE = 100

UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_REVISION = re.compile(r"[1-9][0-9]{0,17}")
_NO_REVISION = 0  # revisions count from 1
_STATUS_FORM = "must be inserted or consumed"
_STATUSES = frozenset({pb.STATUS_INSERTED, pb.STATUS_CONSUMED})
Item = TypeVar("Item")
Content = TypeVar("Content")
Answer = TypeVar("Answer")


class PaymentService:
    """Deadlines are on time.monotonic()'s clock. Methods raise Failure."""

    def __init__(self, database: Database, limits: Limits = MOST) -> None:
        self._database = database
        self._limits = limits
        self._repository = Repository(database, limits.page_bytes)
        # A page takes a thread for longer than anything else does; what is short is not to wait behind all the lists that are asked for.
        self._lists = asyncio.Semaphore(max(1, database.threads // 2))
        # Reads need no order among themselves, so that each is a key of its own.
        self._gets: Batcher[str, Payment] = Batcher(
            partial(database.run, self._repository.get),
            in_flight=2,
            key=lambda id: object(),
            size=lambda id: 1,
            largest=MOST_TOGETHER,
            origin=SPANS,
        )
        # Group commit: calls that arrive while a statement is in flight share the next one, and so an fsync. Creates wait for nobody's
        # locks, so that one statement at a time just makes larger groups; an update may meet a row that somebody has locked.
        self._creates: Batcher[NewPayment, Payment] = Batcher(
            partial(database.run, self._repository.create),
            in_flight=1,
            key=_create_key,
            size=_create_size,
            largest=LARGEST_GROUP,
            origin=SPANS,
        )
        self._updates: Batcher[StatusChange, Payment] = Batcher(
            partial(database.run, self._repository.update),
            in_flight=2,
            key=_update_key,
            size=lambda change: 1,
            largest=MOST_TOGETHER,
            origin=SPANS,
        )

    async def CreatePayment(self, request: pb.CreatePaymentRequest, call: Call) -> pb.Payment:
        new = _new_payment(request, given_id(call.metadata), call.client, self._limits.depth)
        return _message(await self._creates.submit(new, call.deadline))

    async def BatchCreatePayments(self, request: pb.BatchCreatePaymentsRequest, call: Call) -> pb.BatchCreatePaymentsResponse:
        if not 1 <= len(request.requests) <= self._limits.batch:
            raise invalid({"requests": f"must be 1 to {self._limits.batch} payments"})
        if request.ByteSize() > self._limits.batch_bytes:
            raise invalid({"requests": f"must be at most {self._limits.batch_bytes} bytes in all"}, "BATCH_TOO_LARGE")
        checked = self._checked_creates([(each, "", call.callers[0]) for each in request.requests])
        if sum(item.size for item in checked if isinstance(item, NewPayment)) > self._limits.batch_bytes:
            raise invalid({"requests": f"must be at most {self._limits.batch_bytes} bytes in all, numbers written out"}, "BATCH_TOO_LARGE")
        response = pb.BatchCreatePaymentsResponse()
        for number, outcome in enumerate(await self._do_each(self._repository.create, checked, call.deadline)):
            if isinstance(outcome, Failure):
                response.results.add(error=outcome.status(f"requests[{number}]."))
            else:
                response.results.add(payment=outcome)
        return response

    async def get_each(self, calls: Sequence[tuple[pb.GetPaymentRequest, Caller]], deadline: float) -> list[pb.Payment | Failure]:
        """What is found for each request, in order."""
        return await self._do_each(self._repository.get, [_checked(caller, _id, request.id) for request, caller in calls], deadline)

    async def create_each(
        self, calls: Sequence[tuple[pb.CreatePaymentRequest, str, Caller]], deadline: float
    ) -> list[pb.Payment | Failure]:
        """What became of each create, in order; beside its request stand the id that the payment is to have, or nothing, and its caller."""
        return await self._do_each(self._repository.create, self._checked_creates(calls), deadline)

    async def update_each(self, calls: Sequence[tuple[pb.UpdatePaymentRequest, Caller]], deadline: float) -> list[pb.Payment | Failure]:
        """What became of each update, in order. Updates of one payment are made one after the other."""
        changes = [_checked(caller, _status_change, request) for request, caller in calls]
        turns: dict[int, list[int]] = {}  # the numbers of the changes that are made together
        before: Counter[str] = Counter()  # changes of a payment so far
        for number, change in enumerate(changes):
            turn = 0
            if isinstance(change, StatusChange):
                turn = before[change.id]
                before[change.id] += 1
            turns.setdefault(turn, []).append(number)
        outcomes: dict[int, pb.Payment | Failure] = {}
        for numbers in turns.values():
            written = await self._do_each(self._repository.update, [changes[number] for number in numbers], deadline)
            outcomes |= zip(numbers, written, strict=True)
        return [outcomes[number] for number in range(len(calls))]

    async def _do_each(
        self, do: Callable[[list[Item], float], list[Payment | Failure]], items: Sequence[Item | Failure], deadline: float
    ) -> list[pb.Payment | Failure]:
        """Does what is not a failure already."""
        valid = [item for item in items if not isinstance(item, Failure)]
        done = iter(await self._database.run(do, valid, deadline) if valid else ())
        outcomes = (item if isinstance(item, Failure) else next(done) for item in items)
        return [outcome if isinstance(outcome, Failure) else _message(outcome) for outcome in outcomes]

    async def GetPayment(self, request: pb.GetPaymentRequest, call: Call) -> pb.Payment:
        return _message(await self._gets.submit(_id(request.id), call.deadline))

    async def ListPayments(self, request: pb.ListPaymentsRequest, call: Call) -> pb.ListPaymentsResponse:
        def answer(page: Page[list[Payment]], token: str) -> pb.ListPaymentsResponse:
            return pb.ListPaymentsResponse(payments=map(_message, page.content), next_page_token=token)

        return await self._list(self._repository.page, answer, request, call.deadline)

    async def list_json(self, request: pb.ListPaymentsRequest, deadline: float) -> ListPaymentsJsonResponse:
        """The page that ListPayments answers with, as text."""

        def answer(page: Page[str], token: str) -> ListPaymentsJsonResponse:
            return ListPaymentsJsonResponse(payments=page.content, next_page_token=token)

        return await self._list(self._repository.page_json, answer, request, deadline)

    async def _list(
        self,
        read: Callable[[int, str, int, float], Page[Content]],
        answer: Callable[[Page[Content], str], Answer],
        request: pb.ListPaymentsRequest,
        deadline: float,
    ) -> Answer:
        if request.status and request.status not in _STATUSES:
            raise invalid({"status": _STATUS_FORM})
        if request.page_size < 0:
            raise invalid({"page_size": "must not be negative"})
        size = min(request.page_size or DEFAULT_PAGE, self._limits.page)

        def work() -> Answer:
            key = self._repository.page_token_key(deadline)
            try:
                after = page_token.unseal(key, request.page_token, request.status) if request.page_token else ""
            except page_token.InvalidPageToken:
                raise invalid({"page_token": "must be the next_page_token of a page with the same filter"}, "PAGE_TOKEN_INVALID") from None
            page = read(request.status, after, size, deadline)
            return answer(page, page_token.seal(key, page.last, request.status) if page.more else "")

        async with self._lists:
            return await self._database.run(work)

    async def UpdatePayment(self, request: pb.UpdatePaymentRequest, call: Call) -> pb.Payment:
        return _message(await self._updates.submit(_status_change(request), call.deadline))

    async def DeletePayment(self, request: pb.DeletePaymentRequest, call: Call) -> pb.Payment:
        return _message(await self._database.run(self._repository.delete, _id(request.id), _revision(request.etag), call.deadline))

    def _checked_creates(self, calls: Sequence[tuple[pb.CreatePaymentRequest, str, Caller]]) -> list[NewPayment | Failure]:
        return [_checked(caller, _new_payment, request, id, caller.client, self._limits.depth) for request, id, caller in calls]

    async def prune_keys(self, seconds: float) -> int:
        """Forgets up to 1000 idempotency keys that are past their time. Returns how many."""
        return await self._database.run(self._repository.prune_keys, time.monotonic() + seconds)


def _create_key(item: NewPayment) -> object:
    """A client's creates of one key, or of one given id, go one after another: the second is answered with what the first has made."""
    return (item.client, item.key) if item.key else item.id


def _create_size(item: NewPayment) -> int:
    return item.size + 256  # the rest of its row, roughly


def _update_key(change: StatusChange) -> object:
    return change.id


def _new_payment(request: pb.CreatePaymentRequest, id: str, client: str, max_depth: int) -> NewPayment:
    faults = {}
    size = 0
    try:
        size = document.check(request.data, max_depth)
    except document.InvalidDocument as error:
        faults["data"] = str(error)
    try:
        money.cents(request.payment)
    except money.InvalidMoney as error:
        faults["payment"] = str(error)
    if request.status and request.status not in _STATUSES:
        faults["status"] = _STATUS_FORM
    if request.request_id and not idempotency.is_key(request.request_id):
        faults["request_id"] = "must be 1 to 64 visible ASCII characters"
    if id and (not UUID.fullmatch(id) or id[14] != "7"):
        faults[PAYMENT_ID] = "must be a UUID of version 7"
    if faults:
        raise invalid(faults)
    status = request.status or pb.STATUS_INSERTED
    # Of a key and an id the key decides: it alone finds the payment again, so an id must not stand in its way.
    own_id = uuid7.new() if request.request_id or not id else id.lower()
    return NewPayment(own_id, status, request.data, request.payment, client, request.request_id, size)


def _status_change(request: pb.UpdatePaymentRequest) -> StatusChange:
    id = _id(request.id)
    if request.status not in _STATUSES:
        raise invalid({"status": _STATUS_FORM})
    return StatusChange(id, request.status, _revision(request.etag))


def _checked(caller: Caller, check: Callable[..., Item], *arguments: object) -> Item | Failure:
    if caller.refusal:
        return caller.refusal
    try:
        return check(*arguments)
    except Failure as failure:
        return failure


def given_id(metadata: Metadata) -> str:
    """The id that the payment of a create is to have; empty for none."""
    given = metadata.get(PAYMENT_ID, "")
    return given if isinstance(given, str) else ""


def _id(text: str) -> str:
    if not UUID.fullmatch(text):
        raise invalid({"id": "must be a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057"})
    return text.lower()


def _revision(etag: str) -> int | None:
    """The revision that an etag stands for; None for no etag, and one that no payment has for any other text."""
    if not etag:
        return None
    return int(etag) if _REVISION.fullmatch(etag) else _NO_REVISION


def _message(payment: Payment) -> pb.Payment:
    return pb.Payment(
        id=payment.id,
        status=pb.Status.ValueType(payment.status),
        data=payment.data,
        payment=payment.payment,
        create_time=_timestamp(payment.create_time),
        update_time=_timestamp(payment.update_time),
        etag=str(payment.revision),
    )


def _timestamp(microseconds: int) -> Timestamp:
    return Timestamp(seconds=microseconds // 1_000_000, nanos=microseconds % 1_000_000 * 1000)
