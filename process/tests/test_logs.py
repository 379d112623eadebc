"""Lines of all loggers have one form, JSON or, on a terminal, text; and whoever does not read them stops nobody."""

import json
import os
import pty
import subprocess
import sys
import threading

import pytest

from process.log_stream import LogStream

SCRIPT = """
import logging, warnings
from process.logs import set_up_logging
set_up_logging("info")
for name in ("uvicorn.error", "grpc._cython.cygrpc", "sqlalchemy.pool", "alembic.runtime.migration", "server"):
    logging.getLogger(name).error("a line\\nof %s", name)
logging.getLogger("server").debug("too little")
warnings.warn("a warning")
try:
    try:
        raise ValueError("the cause\\nDETAIL: the-secret")
    except ValueError as error:
        raise RuntimeError("the failure\\nDETAIL: the-secret") from error
except RuntimeError:
    logging.getLogger("server").exception("failed")
raise LookupError("nobody catches this\\nthe-secret")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, str]]:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "."})
    assert ended.returncode == 1 and not ended.stderr
    assert "the-secret" not in ended.stdout
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_every_loggers_lines_are_json_of_one_form(lines: list[dict[str, str]]) -> None:
    assert [line["logger"] for line in lines[:5]] == [
        "uvicorn.error",
        "grpc._cython.cygrpc",
        "sqlalchemy.pool",
        "alembic.runtime.migration",
        "server",
    ]
    assert all(list(line)[:4] == ["time", "level", "logger", "event"] for line in lines)
    assert lines[0]["event"] == "a line\nof uvicorn.error" and lines[0]["level"] == "error" and lines[0]["time"].endswith("Z")
    assert lines[5]["logger"] == "py.warnings"


def test_a_traceback_is_part_of_its_line_with_the_first_line_of_each_message(lines: list[dict[str, str]]) -> None:
    failed, uncaught = lines[6:]
    assert failed["event"] == "failed"
    assert "ValueError: the cause" in failed["exception"] and "RuntimeError: the failure" in failed["exception"]
    assert "LookupError: nobody catches this" in uncaught["exception"]


def test_the_level_is_that_of_requests_too() -> None:
    script = (
        "import logging\nfrom process.logs import set_up_logging\nset_up_logging({!r})\nfrom process.access_log import AccessLog, Request\n"
    )
    script += "AccessLog('a', int).write([Request('r', 't', 'c', 'GET', '/', 200, 0.5, 1, 2)])\n"
    counts = []
    for level in ("debug", "info", "warning"):
        command = [sys.executable, "-c", script.format(level)]
        ended = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "."}, check=True)
        counts.append(ended.stdout.count('"event":"request"'))
    assert counts == [1, 1, 0]


def test_on_a_terminal_lines_are_text() -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=theirs, env=os.environ | {"PYTHONPATH": ".", "NO_COLOR": "1"})
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux' way to say that the other end is closed
            break
        text += piece
    os.close(ours)
    assert process.wait(30) == 1
    assert b"uvicorn.error" in text and b'{"' not in text and b"the-secret" not in text


def test_a_reader_that_stops_reading_stops_nobody_and_what_finds_no_room_is_counted() -> None:
    reading, writing = os.pipe()
    stream = LogStream(writing)

    def work() -> None:
        for number in range(30_000):
            stream.write_soon([f"request {number}\n"])
        stream.write("what goes wrong\n")

    with stream.buffered():
        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        worker.join(30)
        assert not worker.is_alive()  # else it waits for the reader
        assert 30_000 > stream.dropped > 10_000
        read = b""
        while b"what goes wrong\n" not in read:
            read += os.read(reading, 65536)
    os.close(writing)
    lines = read.decode().splitlines()
    assert lines[:3] == ["request 0", "request 1", "request 2"]
    assert len(lines) == 30_001 - stream.dropped
    os.close(reading)


def test_a_reader_that_has_gone_stops_nobody() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = LogStream(writing)
    with stream.buffered():
        stream.write("to nobody\n")
    stream.write("to nobody\n")
    assert stream.dropped == 2
    os.close(writing)
