"""The tables of docs/reliability.md, each rewritten by the run that measured it."""

import os
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


class PageTable:
    """What stands between the two marks of a name."""

    def __init__(self, name: str, command: str) -> None:
        self._begin, self._end = f"<!-- {name}: begin; `{command}` writes what is between these -->", f"<!-- {name}: end -->"

    def lines(self) -> list[str]:
        return [line for line in self._parts()[1].splitlines() if line.startswith("| ")]

    def write(self, lines: Sequence[str]) -> None:
        before, _, after = self._parts()
        unfinished = PAGE.with_suffix(".unfinished")
        unfinished.write_text("\n".join([before + self._begin, "", *lines, "", self._end + after]))
        os.replace(unfinished, PAGE)

    def _parts(self) -> tuple[str, str, str]:
        """What stands before the marks, between them and after them."""
        before, _, rest = PAGE.read_text().partition(self._begin)
        between, end, after = rest.partition(self._end)
        assert end, f"{PAGE} has no marks"
        return before, between, after
