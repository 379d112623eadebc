"""The list of the pipeline's addresses is one that EKS takes."""

import pytest

from terraform import addresses


def test_neighbours_become_one_range() -> None:
    assert addresses.ranges({"203.0.113.4", "203.0.113.5", "198.51.100.1"}) == ["198.51.100.1/32", "203.0.113.4/31"]


@pytest.mark.parametrize("count", [0, 36])
def test_none_and_too_many_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 35"):
        addresses.ranges({f"198.51.100.{number}" for number in range(1, 2 * count, 2)})
