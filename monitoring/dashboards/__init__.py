"""The dashboards. `make monitoring` writes Grafana's JSON of them."""

from monitoring.dashboards.database import DATABASE
from monitoring.dashboards.grpc import GRPC
from monitoring.dashboards.overview import OVERVIEW
from monitoring.dashboards.panel import Dashboard, Panel
from monitoring.dashboards.rest import REST
from monitoring.dashboards.runtime import RUNTIME

DASHBOARDS = [OVERVIEW, REST, GRPC, DATABASE, RUNTIME]

__all__ = ["DASHBOARDS", "OVERVIEW", "Dashboard", "Panel"]
