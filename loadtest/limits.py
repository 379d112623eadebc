"""What PostgreSQL alone can do: pgbench inserts the same payment, a row in a transaction, without the service in front of it."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from loadtest.cost import Cost
from loadtest.stored import DATA, PAYMENT
from local.stack import Stack

# As one create has it (server/repository.py), but for the id, which pgbench cannot make. SET and INSERT are one query and so one
# transaction.
_SCRIPT = f"""SET LOCAL statement_timeout = 10000\\; \
INSERT INTO payments AS p (id, status, data, payment) VALUES (uuidv7(), 1, '{DATA}', {PAYMENT}) \
ON CONFLICT (id) DO NOTHING RETURNING p.id::text, p.status, p.data::text, p.payment::text, p.revision, \
(extract(epoch FROM p.create_time) * 1000000)::bigint, (extract(epoch FROM p.update_time) * 1000000)::bigint;
"""
_CLIENTS = (16, 32, 64)
_THREADS = 2


@dataclass(frozen=True)
class Limit:
    """pgbench at its best. `cpu`: PostgreSQL's microseconds a create."""

    clients: int
    rate: float  # creates a second
    cpu: float


def measure_limit(running: Stack, seconds: float) -> Limit:
    """Tries several numbers of clients. Raises subprocess.CalledProcessError."""
    return max((_pgbench(running, clients, seconds) for clients in _CLIENTS), key=lambda limit: limit.rate)


def _pgbench(running: Stack, clients: int, seconds: float) -> Limit:
    assert running.postgres and running.postgres.pid
    program = Path(psutil.Process(running.postgres.pid).exe()).with_name("pgbench")
    cost = Cost(running)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_SCRIPT)
        script.flush()
        options = {"--client": clients, "--jobs": _THREADS, "--time": max(1, round(seconds)), "--file": script.name}
        command = [str(program), "--no-vacuum", *(f"{name}={value}" for name, value in options.items()), running.database_url]
        cost.begin()
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        cost.end()
    transactions = _figure(r"transactions actually processed: (\d+)", output)
    return Limit(clients, _figure(r"tps = ([\d.]+)", output), cost.cpu["PostgreSQL"] * 1e6 / transactions)


def _figure(pattern: str, output: str) -> float:
    found = re.search(pattern, output)
    if not found:
        raise ValueError(f"pgbench did not say {pattern!r}: {output}")
    return float(found[1])
