"""A short form of `make fuzz`, on a stack of its own, whose log is read too."""

from local.stack import stack, temporary_folder
from tests.hostile.fuzz import fuzz


def test_thousands_of_mutated_requests_get_no_5xx_no_crash_and_no_hang() -> None:
    with temporary_folder() as folder, stack(folder) as running:
        counts = fuzz(running, folder / "log", seed=7, count=4000)
    # The corpus is worth little unless part of it gets through.
    assert min(counts["REST 200"], counts["REST 400"], counts["REST 404"], counts["gRPC OK"], counts["gRPC INVALID_ARGUMENT"]) > 20
    assert counts["malformed 400"] > 20
