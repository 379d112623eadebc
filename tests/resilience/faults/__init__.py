"""The faults, by what they break; a new one is an entry in one of these files."""

from tests.resilience.fault import Fault
from tests.resilience.faults import database, kills, network, pooler, rolling

FAULTS: list[Fault] = [*kills.FAULTS, *database.FAULTS, *network.FAULTS, *pooler.FAULTS, *rolling.FAULTS]
