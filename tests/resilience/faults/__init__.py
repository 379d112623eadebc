"""The faults, by what they break; a new one is an entry in one of these files."""

from tests.resilience.fault import Fault
from tests.resilience.faults import database, kills, network, rolling

FAULTS: list[Fault] = [*kills.FAULTS, *database.FAULTS, *network.FAULTS, *rolling.FAULTS]
