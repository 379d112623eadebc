"""The TOML file of a load: hosts that may be loaded, targets, scenarios, shapes and thresholds (loadtest/shapes.toml)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from loadtest.calls import Call, chain
from loadtest.plan.schedule import Phase, seconds
from loadtest.plan.thresholds import Thresholds, thresholds

DEFAULT = Path(__file__).parents[1] / "shapes.toml"


class BadFile(ValueError):
    """The file does not say what it has to; str() says where."""


@dataclass(frozen=True)
class Target:
    """A running service. `ca`: PEM file of the authorities of both APIs' certificates, else the system's. `metrics`: URLs of Prometheus
    metrics of the processes behind it."""

    rest: str = ""
    grpc: str = ""
    grpc_tls: bool = False
    ca: str = ""
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shape:
    """`concurrency`: payments at one time over each API, at most. `connections`: of ghz; a client of Locust has its own. `processes`: of
    Locust, which has one core in each. `timeout`: seconds for an answer."""

    name: str
    scenario: str
    calls: tuple[Call, ...]
    phases: tuple[Phase, ...]
    thresholds: Thresholds
    concurrency: int
    connections: int
    processes: int
    timeout: int

    @property
    def seconds(self) -> int:
        return seconds(self.phases)


@dataclass(frozen=True)
class Plan:
    allow: tuple[str, ...]
    targets: Mapping[str, Target]
    shapes: Mapping[str, Shape]


def read(path: Path) -> Plan:
    """Raises BadFile."""
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadFile(f"{path}: {error}") from error
    try:
        _known(table, "the file", {"allow", "targets", "scenarios", "shapes"})
        scenarios = {name: tuple(_named(f"scenarios.{name}", chain, names)) for name, names in table.get("scenarios", {}).items()}
        return Plan(
            tuple(table.get("allow", [])),
            {name: _target(f"targets.{name}", given) for name, given in table.get("targets", {}).items()},
            {name: _shape(name, given, scenarios) for name, given in table.get("shapes", {}).items()},
        )
    except ValueError as error:
        raise BadFile(f"{path}: {error}") from error


def _known(table: Mapping[str, Any], where: str, keys: set[str], needed: frozenset[str] = frozenset()) -> None:
    for key in table:
        if key not in keys:
            raise ValueError(f"{where} has no {key!r}; there are {', '.join(sorted(keys))}")
    for key in sorted(needed - set(table)):
        raise ValueError(f"{where} needs {key!r}")


def _named(where: str, make: Any, *arguments: Any) -> Any:
    try:
        return make(*arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error


def _target(where: str, table: Mapping[str, Any]) -> Target:
    _known(table, where, {field.name for field in fields(Target)})
    if not table.get("rest") and not table.get("grpc"):
        raise ValueError(f"{where} has neither rest nor grpc")
    return Target(**{**table, "metrics": tuple(table.get("metrics", ()))})


_NUMBERS = {"concurrency": 64, "connections": 4, "processes": 1, "timeout": 10}
_NEEDED = frozenset({"scenario", "phases", "thresholds"})


def _shape(name: str, table: Mapping[str, Any], scenarios: Mapping[str, tuple[Call, ...]]) -> Shape:
    where = f"shapes.{name}"
    _known(table, where, {*_NUMBERS, *_NEEDED}, _NEEDED)
    if table["scenario"] not in scenarios:
        raise ValueError(f"{where}: there is no scenario {table['scenario']!r}")
    numbers = {key: _whole(f"{where}.{key}", table.get(key, default)) for key, default in _NUMBERS.items()}
    if not table["phases"]:
        raise ValueError(f"{where} has no phases")
    return Shape(
        name=name,
        scenario=table["scenario"],
        calls=scenarios[table["scenario"]],
        phases=tuple(_phase(f"{where}.phases[{number}]", each) for number, each in enumerate(table["phases"])),
        thresholds=_named(f"{where}.thresholds", thresholds, table["thresholds"]),
        **numbers,
    )


def _phase(where: str, table: Mapping[str, Any]) -> Phase:
    _known(table, where, {"rate", "seconds", "step", "every"}, frozenset({"rate", "seconds"}))
    step = table.get("step", 0)
    if not isinstance(step, int) or isinstance(step, bool):
        raise ValueError(f"{where}.step is {step!r}, not a whole number")
    every = _whole(f"{where}.every", table.get("every", 1))
    phase = Phase(_whole(f"{where}.rate", table["rate"]), _whole(f"{where}.seconds", table["seconds"]), step, every)
    if phase.lowest < 1:
        raise ValueError(f"{where}: the rate falls below one a second")
    return phase


def _whole(where: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{where} is {value!r}, not a whole number from 1")
    return value
