"""Health follows a PostgreSQL that goes away and comes back; the process's own does not."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2

from server import embedded
from server.health import LIVENESS, READINESS, WITH_DATABASE, Health
from server.migrate import migrate

PROCESS = (LIVENESS, READINESS)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="payments-", dir="/tmp") as name:
        yield Path(name)


@contextlib.asynccontextmanager
async def watched(url: str) -> AsyncIterator[Health]:
    health = Health(url)
    await health.start()
    watch = asyncio.ensure_future(health.watch())
    try:
        yield health
        assert not watch.done()
    finally:
        watch.cancel()
        await asyncio.to_thread(health.close)


async def serving(health: Health, *names: str) -> bool:
    answers = [await health.servicer.Check(health_pb2.HealthCheckRequest(service=name), None) for name in names]
    return all(answer.status == health_pb2.HealthCheckResponse.SERVING for answer in answers)


async def until(health: Health, expected: bool) -> None:
    end = time.monotonic() + 10
    while [await serving(health, name) for name in WITH_DATABASE] != [expected] * len(WITH_DATABASE):
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def test_health_turns_with_the_database_and_readiness_does_not(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    postgres = embedded.start(folder)
    try:
        migrate(postgres.url)
        async with watched(postgres.url) as health:
            await until(health, True)
            postgres.stop()
            await until(health, False)
            assert await serving(health, *PROCESS)
            await asyncio.sleep(1.2)
            assert caplog.text.count("does not answer") <= 3, "each fault is told once"
            postgres = embedded.start(folder)
            await until(health, True)
            assert caplog.messages[-1] == "database answers"
    finally:
        postgres.stop()


async def test_health_needs_the_schema(new_database: Callable[..., str], caplog: pytest.LogCaptureFixture) -> None:
    url = new_database()
    async with watched(url) as health:
        await asyncio.sleep(0.3)
        assert not await serving(health, WITH_DATABASE[0])
        assert await serving(health, *PROCESS)
        assert "run `payments-server migrate`" in caplog.text
        migrate(url)
        await until(health, True)


async def test_stopping_is_for_good(url: str) -> None:
    async with watched(url) as health:
        await until(health, True)
        await health.stop()
        await asyncio.sleep(0.7)
        assert not any([await serving(health, name) for name in (READINESS, *WITH_DATABASE)])
        assert await serving(health, LIVENESS)
