"""Payments in PostgreSQL. Each method is one statement, which is one transaction, or a statement and the read that explains it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from psycopg2 import DataError, IntegrityError

from payments.v1.payments_pb2 import STATUS_CONSUMED
from server import idempotency, metrics, money
from server.database import Database, Row
from server.errors import Failure, conflict, etag_mismatch, id_taken, key_reused, not_found, unexpected
from server.limits import MOST

_ROW_BYTES = 256  # of a payment beside its data, as JSON


def _time_json(column: str) -> str:
    """SQL for a time as ProtoJSON has it: in UTC, with 0, 3 or 6 digits of a second."""
    digits = f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.%s\"Z\"')"
    # All but one in a thousand need no second look.
    return f"""CASE WHEN {column} <> date_trunc('milliseconds', {column}) THEN {digits % "US"}
  ELSE replace({digits % "MS"}, '.000Z', 'Z') END"""


_COLUMNS = (
    "p.id::text, p.status, p.data::text, p.payment::text, p.revision,"
    " (extract(epoch FROM p.create_time) * 1000000)::bigint, (extract(epoch FROM p.update_time) * 1000000)::bigint"
)
# A lone row in the form that costs PostgreSQL the least to plan.
_INSERT_ONE = f"""INSERT INTO payments AS p (id, status, data, payment) VALUES (%(id)s, %(status)s, %(data)s, %(payment)s)
ON CONFLICT (id) DO NOTHING RETURNING {_COLUMNS}"""
_INSERT = f"""INSERT INTO payments AS p (id, status, data, payment)
SELECT * FROM unnest(%(ids)s::uuid[], %(statuses)s::smallint[], %(data)s::jsonb[], %(payments)s::numeric[])
ON CONFLICT (id) DO NOTHING RETURNING {_COLUMNS}"""
# A key that is older than it has to be kept counts as absent. Keys are taken in order, so that two batches cannot deadlock.
_INSERT_KEYED = f"""WITH item AS (
  SELECT * FROM unnest(%(ids)s::uuid[], %(statuses)s::smallint[], %(data)s::jsonb[], %(payments)s::numeric[],
    %(clients)s::text[], %(keys)s::text[], %(fingerprints)s::bytea[]) AS item (id, status, data, payment, client, key, fingerprint)
), claimed AS (
  INSERT INTO idempotency_keys AS k (client, key, fingerprint, payment_id)
  SELECT client, key, fingerprint, id FROM item ORDER BY client, key
  ON CONFLICT (client, key) DO UPDATE SET fingerprint = excluded.fingerprint, payment_id = excluded.payment_id, create_time = now()
    WHERE k.create_time < now() - %(kept)s
  RETURNING payment_id
)
INSERT INTO payments AS p (id, status, data, payment)
SELECT id, status, data, payment FROM item WHERE id IN (SELECT payment_id FROM claimed)
RETURNING {_COLUMNS}"""
_BY_KEYS = f"""SELECT k.client, k.key, k.fingerprint, {_COLUMNS}
FROM idempotency_keys k LEFT JOIN payments p ON p.id = k.payment_id
WHERE (k.client, k.key) IN (SELECT * FROM unnest(%(clients)s::text[], %(keys)s::text[])) AND k.create_time >= now() - %(kept)s"""
_BY_IDS = f"SELECT {_COLUMNS} FROM payments p WHERE p.id = ANY(%(ids)s::uuid[])"
# Rows are locked in the order of their ids, so that two groups cannot deadlock.
_UPDATE = f"""WITH item AS (
  SELECT * FROM unnest(%(ids)s::uuid[], %(statuses)s::smallint[], %(revisions)s::bigint[]) AS item (id, status, revision)
), locked AS MATERIALIZED (
  SELECT id, status FROM payments WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
)
UPDATE payments p SET status = item.status, revision = p.revision + 1, update_time = greatest(now(), p.create_time)
FROM item JOIN locked USING (id)
WHERE p.id = item.id AND p.id = ANY(%(ids)s::uuid[]) AND (item.revision IS NULL OR p.revision = item.revision)
RETURNING {_COLUMNS}, locked.status"""
_DELETE = f"""DELETE FROM payments p
WHERE id = %(id)s::uuid AND (%(revision)s::bigint IS NULL OR revision = %(revision)s::bigint) RETURNING {_COLUMNS}"""
# The outer SELECT alone writes documents out as text, so a page costs what it returns. The first row goes in whatever its size.
_PAGE = f"""FROM (
  SELECT *, sum(data_size + {_ROW_BYTES}) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS bytes,
    row_number() OVER (ORDER BY id) AS number, count(*) OVER () AS candidates
  FROM (SELECT * FROM payments WHERE {{where}} ORDER BY id LIMIT %(size)s + 1) AS candidate
) AS p WHERE p.number <= %(size)s AND (p.bytes <= %(bytes)s OR p.number = 1) ORDER BY p.id"""
_PAGE_ROWS = f"SELECT {_COLUMNS}, p.candidates {_PAGE}"
# A payment as the gateway's codec writes it, character for character: the names of the proto's fields, in the order of their numbers.
_JSON = f"""'{{{{"id":"' || p.id
  || '","status":"' || CASE p.status WHEN 1 THEN 'inserted' ELSE 'consumed' END
  || '","data":' || p.data::text
  || ',"payment":' || p.payment
  || ',"create_time":"' || {_time_json("p.create_time")}
  || '","update_time":"' || {_time_json("p.update_time")}
  || '","etag":"' || p.revision || '"}}}}'"""
_PAGE_JSON = f"""SELECT string_agg(json, ','), (array_agg(id))[count(*)]::text, count(*), max(candidates)
FROM (SELECT {_JSON} AS json, p.id, p.candidates {_PAGE}) AS item"""
_PRUNE = """DELETE FROM idempotency_keys WHERE (client, key) IN (
  SELECT client, key FROM idempotency_keys WHERE create_time < now() - %(kept)s ORDER BY create_time LIMIT 1000 FOR UPDATE SKIP LOCKED)
RETURNING 1"""


Content = TypeVar("Content")


class Payment(NamedTuple):
    """A row. Times are in microseconds since 1970."""

    id: str
    status: int
    data: str
    payment: str
    revision: int
    create_time: int
    update_time: int


@dataclass(frozen=True)
class NewPayment:
    """A valid create. `key`: of the client's choice, empty for none; it means nothing to other clients. `size`: bytes of the document with
    its numbers written out.
    """

    id: str
    status: int
    data: str
    payment: str
    client: str = ""
    key: str = ""
    size: int = 0

    def fingerprint(self) -> bytes:
        return idempotency.fingerprint(self.status, self.payment, self.data)


class StatusChange(NamedTuple):
    """A valid update. `revision`: the one that the payment must have; None for any."""

    id: str
    status: int
    revision: int | None


class Page(NamedTuple, Generic[Content]):
    """`last`: the id of its last payment, empty where there is none. `more`: whether there is another page."""

    content: Content
    last: str
    more: bool


Outcome = Payment | Failure


class Repository:
    """All methods block and raise Failure; `deadline` is on time.monotonic()'s clock."""

    def __init__(self, database: Database, page_bytes: int = MOST.page_bytes) -> None:
        self._database = database
        self._page_bytes = page_bytes
        self._page_token_key = b""

    def create(self, items: Sequence[NewPayment], deadline: float) -> list[Outcome]:
        """What became of each, in order. Items share a statement, but none fails for another."""
        outcomes: list[Outcome | None] = [None] * len(items)
        for keyed in (False, True):
            chosen = [number for number, item in enumerate(items) if bool(item.key) is keyed]
            if chosen:
                insert = self._create_keyed if keyed else self._create_unkeyed
                try:
                    results = self._apart(insert, [items[number] for number in chosen], deadline)
                except Failure as failure:
                    if not any(outcomes):
                        raise
                    results = [failure] * len(chosen)  # the others have been written, and are told so
                for number, outcome in zip(chosen, results, strict=True):
                    outcomes[number] = outcome
        return [outcome for outcome in outcomes if outcome is not None]

    def _apart(self, insert: Callable[[list[NewPayment], float], list[Outcome]], items: list[NewPayment], deadline: float) -> list[Outcome]:
        """Where PostgreSQL refuses a value, item by item, so that only the bad one fails."""
        try:
            return insert(items, deadline)
        except (DataError, IntegrityError):
            if len(items) == 1:
                return [unexpected(f"payment {items[0].id}")]
            return [outcome for item in items for outcome in self._apart(insert, [item], deadline)]

    def _create_unkeyed(self, items: list[NewPayment], deadline: float) -> list[Outcome]:
        metrics.GROUP_SIZE.labels("create").observe(len(items))
        sql, parameters = (_INSERT, _columns(items)) if len(items) > 1 else (_INSERT_ONE, _row(items[0]))
        rows = self._database.execute(sql, parameters, deadline, kind="create", repeatable=True)
        stored = {row[0]: Payment(*row) for row in rows}
        metrics.CREATED.inc(len(stored))
        # Where the id was there, the create is a repetition of one whose answer was lost.
        found = self._read([item.id for item in items if item.id not in stored], deadline)
        return [stored[item.id] if item.id in stored else _repeated(item, found) for item in items]

    def _create_keyed(self, items: list[NewPayment], deadline: float) -> list[Outcome]:
        first: dict[tuple[str, str], NewPayment] = {}
        for item in items:
            first.setdefault((item.client, item.key), item)
        fingerprints = {item.id: item.fingerprint() for item in items}
        outcomes: dict[str, Outcome] = {}
        for _ in range(3):  # a key that is pruned between the insert and the read is free again
            waiting = [item for item in items if item.id not in outcomes]
            fresh = [item for item in waiting if first[item.client, item.key] is item]
            if fresh:
                parameters = _columns(fresh) | _keys(fresh) | {"fingerprints": [fingerprints[item.id] for item in fresh]}
                metrics.GROUP_SIZE.labels("create_keyed").observe(len(fresh))
                rows = self._database.execute(_INSERT_KEYED, parameters, deadline, kind="create_keyed", repeatable=True)
                metrics.CREATED.inc(len(rows))
                for row in rows:
                    outcomes[row[0]] = Payment(*row)
            waiting = [item for item in waiting if item.id not in outcomes]
            if not waiting:
                break
            try:
                self._read_keyed(waiting, fingerprints, outcomes, deadline)
            except Failure as failure:
                if not outcomes:
                    raise
                return [outcomes.get(item.id) or failure for item in items]
        return [outcomes.get(item.id) or conflict() for item in items]

    def _read_keyed(self, items: list[NewPayment], fingerprints: dict[str, bytes], outcomes: dict[str, Outcome], deadline: float) -> None:
        """In a statement of its own: the one that met the key cannot see what another transaction had just committed."""
        rows = self._database.execute(_BY_KEYS, _keys(items), deadline, kind="get_by_key", repeatable=True)
        found = {(row[0], row[1]): row[2:] for row in rows}
        for item in items:
            row = found.get((item.client, item.key))
            if row is None:
                continue
            fingerprint, *payment = row
            if bytes(fingerprint) != fingerprints[item.id]:
                outcomes[item.id] = key_reused()
            else:
                outcomes[item.id] = not_found() if payment[0] is None else Payment(*payment)

    def get(self, ids: Sequence[str], deadline: float) -> list[Outcome]:
        """What is found of each, in order."""
        metrics.GROUP_SIZE.labels("get").observe(len(ids))
        rows = self._database.execute(_BY_IDS, {"ids": list(ids)}, deadline, kind="get", repeatable=True)
        found = {row[0]: Payment(*row) for row in rows}
        return [found.get(id) or not_found() for id in ids]

    def page(self, status: int, after: str, size: int, deadline: float) -> Page[list[Payment]]:
        """At most `size` payments behind the id `after`, oldest first; status 0 is any, and an empty id the start."""
        rows = self._read_page(_PAGE_ROWS, status, after, size, deadline)
        payments = [Payment(*row[:-1]) for row in rows]
        return Page(payments, payments[-1].id, rows[0][-1] > len(rows)) if rows else Page([], "", False)

    def page_json(self, status: int, after: str, size: int, deadline: float) -> Page[str]:
        """The same as the JSON objects that REST shows, with commas between them."""
        ((json, last, count, candidates),) = self._read_page(_PAGE_JSON, status, after, size, deadline)
        return Page(json, last, candidates > count) if count else Page("", "", False)

    def _read_page(self, sql: str, status: int, after: str, size: int, deadline: float) -> Sequence[Row]:
        conditions = ["status = %(status)s"] if status else []
        conditions += ["id > %(after)s::uuid"] if after else []
        sql = sql.format(where=" AND ".join(conditions) or "true")
        return self._database.execute(
            sql, {"status": status, "after": after, "size": size, "bytes": self._page_bytes}, deadline, kind="list", repeatable=True
        )

    def update(self, changes: Sequence[StatusChange], deadline: float) -> list[Outcome]:
        """What became of each, in order. No two may be of one payment."""
        parameters = {
            "ids": [change.id for change in changes],
            "statuses": [change.status for change in changes],
            "revisions": [change.revision for change in changes],
        }
        metrics.GROUP_SIZE.labels("update").observe(len(changes))
        rows = self._database.execute(_UPDATE, parameters, deadline, kind="update", repeatable=False)
        changed = {row[0]: Payment(*row[:-1]) for row in rows}
        metrics.CONSUMED.inc(sum(row[1] == STATUS_CONSUMED != row[-1] for row in rows))
        found = self._read([change.id for change in changes if change.id not in changed], deadline)
        return [changed.get(change.id) or _unchanged(change, found) for change in changes]

    def _read(self, ids: list[str], deadline: float) -> dict[str, Payment] | Failure:
        """What a write has met, by id. A failure is a result, as it must not take the place of what was written beside it."""
        if not ids:
            return {}
        try:
            rows = self._database.execute(_BY_IDS, {"ids": ids}, deadline, kind="get", repeatable=True)
            return {row[0]: Payment(*row) for row in rows}
        except Failure as failure:
            return failure

    def delete(self, id: str, revision: int | None, deadline: float) -> Payment:
        rows = self._database.execute(_DELETE, {"id": id, "revision": revision}, deadline, kind="delete", repeatable=False)
        if rows:
            metrics.DELETED.inc()
            return Payment(*rows[0])
        (found,) = self.get([id], deadline)
        raise found if isinstance(found, Failure) else etag_mismatch()

    def page_token_key(self, deadline: float) -> bytes:
        """The key of page tokens, one for all servers of a database."""
        if not self._page_token_key:
            rows = self._database.execute("SELECT key FROM page_token_key", {}, deadline, kind="page_token_key", repeatable=True)
            self._page_token_key = bytes(rows[0][0])
        return self._page_token_key

    def prune_keys(self, deadline: float) -> int:
        """Forgets up to 1000 keys that are older than they have to be kept. Returns how many."""
        return len(self._database.execute(_PRUNE, {"kept": idempotency.KEPT}, deadline, kind="prune", repeatable=False))


def _columns(items: Sequence[NewPayment]) -> dict[str, object]:
    return {
        "ids": [item.id for item in items],
        "statuses": [item.status for item in items],
        "data": [item.data for item in items],
        "payments": [item.payment for item in items],
    }


def _row(item: NewPayment) -> dict[str, object]:
    return {"id": item.id, "status": item.status, "data": item.data, "payment": item.payment}


def _keys(items: Sequence[NewPayment]) -> dict[str, object]:
    return {"clients": [item.client for item in items], "keys": [item.key for item in items], "kept": idempotency.KEPT}


def _repeated(item: NewPayment, found: dict[str, Payment] | Failure) -> Outcome:
    if isinstance(found, Failure):
        return found
    stored = found.get(item.id)
    if stored is None:
        return not_found()
    same = money.cents(stored.payment) == money.cents(item.payment)
    same = same and idempotency.canonical(stored.data) == idempotency.canonical(item.data)
    return stored if same else id_taken()


def _unchanged(change: StatusChange, found: dict[str, Payment] | Failure) -> Failure:
    if isinstance(found, Failure):
        return found
    return etag_mismatch() if change.id in found else not_found()
