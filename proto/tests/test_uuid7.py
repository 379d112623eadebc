"""Ids that sort by time."""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from payments.v1 import uuid7


def test_an_id_is_a_uuid_of_version_7_and_the_rfcs_variant() -> None:
    id = uuid.UUID(uuid7.new())
    assert (id.version, id.variant) == (7, uuid.RFC_4122)


def test_ids_grow_within_a_process_whatever_thread_makes_them() -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: [uuid7.new() for _ in range(2000)], range(4)))
    assert all(run == sorted(run) for run in runs)
    assert len({id for run in runs for id in run}) == 8000


def test_ids_grow_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uuid7.new()
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000)
    assert uuid7.new() > before


def test_an_id_tells_its_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uuid7, "_last", 0)
    monkeypatch.setattr("time.time_ns", lambda: 0x0123456789AB * 1_000_000 + 500_000)
    id = uuid.UUID(uuid7.new())
    assert id.int >> 80 == 0x0123456789AB
    assert id.int >> 64 & 0xFFF == 0x800, "half a millisecond is half of the 12 bits behind the version"


def test_a_forked_process_makes_ids_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    uuid7.new()
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000)  # so that the random part alone tells ids apart
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, uuid7.new().encode())
        os._exit(0)
    os.waitpid(child, 0)
    ours, theirs = uuid7.new(), os.read(reading, 36).decode()
    assert ours[:18] == theirs[:18]
    assert ours != theirs
