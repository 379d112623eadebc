"""A short form of `make fuzz`, on a stack of its own, whose log is read too."""

import socket

from local.stack import HOST, stack, temporary_folder
from tests.hostile import http2
from tests.hostile.fuzz import fuzz


def test_thousands_of_mutated_requests_get_no_5xx_no_crash_and_no_hang() -> None:
    with temporary_folder() as folder, stack(folder) as running:
        counts = fuzz(running, folder / "log", seed=7, count=4000)
    # The corpus is worth little unless part of it gets through.
    assert min(counts["REST 200"], counts["REST 400"], counts["REST 404"], counts["gRPC OK"], counts["gRPC INVALID_ARGUMENT"]) > 20
    assert counts["malformed 400"] > 20


def test_a_peer_cannot_write_to_the_log_by_the_reason_of_its_goaway() -> None:
    reason = b"x\n2026-01-01 00:00:00,000 ERROR server: forged\n"
    frames = [(http2.SETTINGS, b""), (http2.GOAWAY, bytes(4) + (2).to_bytes(4, "big") + reason), (http2.PING, b"the last")]
    sent = b"".join(http2.frame(kind, 0, 0, payload) for kind, payload in frames)
    with temporary_folder() as folder, stack(folder) as running:
        with socket.create_connection((HOST, running.ports.grpc), 10) as connection:
            connection.sendall(http2.PREFACE + sent)
            answered = b""
            while b"the last" not in answered:
                piece = connection.recv(1 << 16)
                assert piece
                answered += piece
        assert b"forged" not in (folder / "log").read_bytes()
