"""Clients that write over both APIs at once, each payment through a life of its own, and tell the ledger of every outcome."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

from tests.resilience.api import Absent, Api, Failed, Mismatch, Stored, Untrue
from tests.resilience.ledger import Entry, Ledger

PAUSE = 0.1  # seconds before a retry
BATCH = 5
PATIENCE = 45.0  # seconds for open outcomes after the load has ended

Result = TypeVar("Result")


class GaveUp(Exception):
    """The load has ended, and the service has not come back for long enough."""


class Load:
    """Runs a thread for each of `apis` while the context lasts; at its end the clients settle what is open, for `patience` seconds."""

    def __init__(self, apis: Sequence[Api], ledger: Ledger, patience: float = PATIENCE) -> None:
        self.ledger = ledger
        self._patience = patience
        self._ending = threading.Event()
        self._deadline = float("inf")
        self._errors: list[BaseException] = []
        self.run = uuid.uuid4().hex[:12]  # begins the keys of all entries
        self._threads = [
            threading.Thread(target=self._work, args=(Client(api, ledger, f"{self.run}-{number}", self._given_up),))
            for number, api in enumerate(apis)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._deadline = time.monotonic() + (0 if kind else self._patience)
        self._ending.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def wait_for(self, writes: int, seconds: float = 60) -> None:
        """Until so many more are acknowledged. Raises TimeoutError."""
        goal, deadline = self.ledger.writes + writes, time.monotonic() + seconds
        while self.ledger.writes < goal:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.ledger.writes - goal + writes} of {writes} writes in {seconds:g} seconds")
            time.sleep(0.02)

    def _given_up(self) -> bool:
        return time.monotonic() > self._deadline

    def _work(self, client: "Client") -> None:
        try:
            while not self._ending.is_set():
                client.live()
        except GaveUp:
            return
        except BaseException as error:
            self._errors.append(error)


class Client:
    """One API's client, whose payments nobody else touches. What fails is tried again until `given_up`."""

    def __init__(self, api: Api, ledger: Ledger, name: str, given_up: Callable[[], bool]) -> None:
        self._api = api
        self._ledger = ledger
        self._name = name
        self._given_up = given_up
        self._number = 0
        self._random = random.Random(name)

    def live(self) -> None:
        """The lives of one payment, or of a batch of them."""
        try:
            for entry in self._batch() if self._random.random() < 0.1 else [self._create()]:
                self._use(entry)
        except (Untrue, Absent, Mismatch) as error:
            self._ledger.object(f"{type(error).__name__}: {error}")

    def _use(self, entry: Entry) -> None:
        lot = self._random.random()
        if lot < 0.35:
            self._consume_if_unchanged(entry)
        elif lot < 0.55:
            self._consume(entry)
        elif lot < 0.75:
            self._compare(entry, self._until_answered(lambda: self._api.get(entry.id or "")))
        if self._random.random() < 0.2:
            self._delete(entry)

    def _new(self) -> Entry:
        self._number += 1
        key = f"{self._name}-{self._number}"
        data = f'{{"key":"{key}","exact":{self._random.randrange(10**24)}.10}}'
        return self._ledger.ask(Entry(key, data, f"{self._random.randrange(10**7) / 100:.2f}"))

    def _create(self) -> Entry:
        """The same key again until it is answered."""
        entry = self._new()
        self._acknowledge(entry, self._until_answered(lambda: self._api.create(entry), writes=1))
        return entry

    def _batch(self) -> list[Entry]:
        entries = [self._new() for _ in range(BATCH)]
        open = entries
        while open:
            asked = open
            results = self._until_answered(lambda asked=asked: self._api.create_batch(asked), writes=len(asked))  # type: ignore[misc]
            open = []
            for entry, result in zip(asked, results, strict=True):
                if isinstance(result, Failed):
                    self._ledger.fail(str(result))
                    open.append(entry)
                else:
                    self._acknowledge(entry, result)
        return entries

    def _acknowledge(self, entry: Entry, stored: Stored) -> None:
        entry.id = stored.id
        self._compare(entry, stored)

    def _consume_if_unchanged(self, entry: Entry) -> None:
        """With an etag an update is carried out once at most, however often it is sent."""
        before = entry.revision
        entry.statuses, entry.unsettled = {"inserted", "consumed"}, 1
        unknown = False
        while True:
            try:
                stored = self._once(lambda: self._api.update(entry.id or "", "consumed", before), writes=1)
                break
            except Failed:
                unknown = True
                stored = self._until_answered(lambda: self._api.get(entry.id or ""))
                if stored.revision != before:
                    break  # by the update whose answer was lost: nobody else writes
            except Mismatch:
                if not unknown:
                    raise
                stored = self._until_answered(lambda: self._api.get(entry.id or ""))
                break
        entry.statuses, entry.revision, entry.unsettled = {"consumed"}, before + 1, 0
        self._compare(entry, stored)

    def _consume(self, entry: Entry) -> None:
        """Without an etag each unknown update may still be carried out later."""
        before, unknown = entry.revision, 0
        entry.statuses = {"inserted", "consumed"}
        while True:
            entry.unsettled = unknown + 1
            try:
                stored = self._once(lambda: self._api.update(entry.id or "", "consumed", None), writes=1)
                break
            except Failed:
                unknown += 1
                stored = self._until_answered(lambda: self._api.get(entry.id or ""))
                if stored.status == "consumed":
                    break
        if not before < stored.revision <= before + unknown + 1 or stored.status != "consumed":
            raise Untrue(f"{entry.key}: revision {stored.revision} and status {stored.status} after 1 to {unknown + 1} updates of {before}")
        entry.statuses, entry.revision, entry.unsettled = {"consumed"}, stored.revision, before + unknown + 1 - stored.revision

    def _delete(self, entry: Entry) -> None:
        entry.deleted = None
        unknown = False
        while True:
            try:
                self._once(lambda: self._api.delete(entry.id or ""), writes=1)
                break
            except Failed:
                unknown = True
            except Absent:
                if not unknown:
                    raise
                break
        entry.deleted = True
        try:
            stored = self._until_answered(lambda: self._api.get(entry.id or ""))
        except Absent:
            return
        raise Untrue(f"{entry.key}: deleted, and got as {stored}")

    def _compare(self, entry: Entry, stored: Stored) -> None:
        if stored.id != entry.id or stored.status not in entry.statuses or not 0 <= stored.revision - entry.revision <= entry.unsettled:
            raise Untrue(f"{stored} was answered for {entry}")

    def _until_answered(self, call: Callable[[], Result], writes: int = 0) -> Result:
        """For what may be sent twice: reads, and creates with a key."""
        while True:
            try:
                return self._once(call, writes)
            except Failed:
                pass

    def _once(self, call: Callable[[], Result], writes: int = 0) -> Result:
        """Notes the outcome; after a failure waits a little. Raises GaveUp instead of Failed when it is time."""
        try:
            result = call()
        except Failed as error:
            self._ledger.fail(str(error))
            if self._given_up():
                raise GaveUp from error
            time.sleep(PAUSE)
            raise
        self._ledger.succeed(self._api.name, writes)
        return result
