"""When payments are due: so many a second, whatever becomes of those before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

# Seconds. A load is cut into slices. ghz runs once for each, so that there is something to tell before the end, and so that its report,
# which has every call, stays small.
SLICE = 5
GRACE = 2.0  # seconds after the end of its slice until a payment that has found no place is given up


@dataclass(frozen=True)
class Phase:
    """`rate` payments a second, and after each `every` seconds `step` more, or less, for `seconds` in all: constant without a step, a
    line where it comes each second. All are whole numbers, as ghz takes no others."""

    rate: int
    seconds: int
    step: int = 0
    every: int = 1

    def treads(self) -> Iterator[tuple[int, int, int]]:
        """Begin in seconds, length in seconds, and rate of each part that has one rate."""
        length = self.every if self.step else self.seconds
        for number, begin in enumerate(range(0, self.seconds, length)):
            yield begin, min(length, self.seconds - begin), self.rate + self.step * number

    def due(self) -> Iterator[float]:
        """The moment of each payment in seconds from the begin: the n-th is due when n are to have come."""
        for begin, length, rate in self.treads():
            for number in range(1, rate * length + 1):
                yield begin + number / rate

    @property
    def count(self) -> int:
        return sum(rate * length for _, length, rate in self.treads())

    @property
    def lowest(self) -> int:
        """The lowest rate."""
        return min(rate for _, _, rate in self.treads())


@dataclass(frozen=True)
class Slice:
    """A part of a load, at most SLICE seconds long."""

    number: int
    begin: int  # seconds from the begin of the load
    phase: Phase

    @property
    def end(self) -> int:
        return self.begin + self.phase.seconds


def slices(phases: Sequence[Phase]) -> list[Slice]:
    """Of phases that follow one another."""
    parts = [part for phase in phases for part in _parts(phase)]
    found: list[Slice] = []
    for part in parts:
        found.append(Slice(len(found), found[-1].end if found else 0, part))
    return found


def _parts(phase: Phase) -> Iterator[Phase]:
    if phase.step and phase.every <= SLICE:
        longest = SLICE - SLICE % phase.every
        for begin in range(0, phase.seconds, longest):
            rate = phase.rate + phase.step * (begin // phase.every)
            yield replace(phase, rate=rate, seconds=min(longest, phase.seconds - begin))
        return
    for _, length, rate in phase.treads():
        for begin in range(0, length, SLICE):
            yield Phase(rate, min(SLICE, length - begin))


def seconds(phases: Sequence[Phase]) -> int:
    return sum(phase.seconds for phase in phases)
