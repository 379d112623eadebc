"""What a check is, and the run of several within one time."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ANSWER = 3.0  # seconds that one answer may take, at most
_LEAST = 1.0  # so that an answer does not seem late where it was asked for late


class Failed(AssertionError):
    """Something is not as it has to be; str() says what."""


class NotAsked(Exception):
    """There is nothing to check; str() says why."""


class OutOfTime(Failed):
    """The time of the whole run is over."""


class Clock:
    """The time that is left for all checks together."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; never less than none."""
        return max(0.0, self._end - time.monotonic())

    def patience(self) -> float:
        """Seconds that the next answer may take. Raises OutOfTime."""
        if self.left <= 0:
            raise OutOfTime("not tried: no time is left, as what came before took it")
        return max(_LEAST, min(ANSWER, self.left))


@dataclass(frozen=True)
class Check:
    """`run` returns what it found. Raises Failed and NotAsked."""

    group: str
    name: str
    run: Callable[[], str]


@dataclass(frozen=True)
class Result:
    check: Check
    seconds: float
    found: str
    state: str  # ok, FAILED, not asked


OK, FAILED, NOT_ASKED = "ok", "FAILED", "–"


def run_all(checks: list[Check]) -> Iterator[Result]:
    """Each in its turn, whatever became of those before."""
    for check in checks:
        begin = time.monotonic()
        try:
            found, state = check.run(), OK
        except NotAsked as reason:
            found, state = str(reason), NOT_ASKED
        except Failed as failure:
            found, state = str(failure), FAILED
        except Exception as error:  # a broken service must not break its test
            found, state = f"{type(error).__name__}: {error}", FAILED
        yield Result(check, time.monotonic() - begin, found, state)


def expect(right: bool, text: str) -> None:
    """Raises Failed."""
    if not right:
        raise Failed(text)
