"""What a dashboard is made of, and Grafana's JSON of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueColorMode, GraphThresholdsStyleMode, LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    VariableRefresh,
)

# In every query's braces: the namespace that is chosen above the panels. Where nobody sets the label, `All` takes what has none.
NAMESPACE = 'namespace=~"$namespace"'
RATE = "$__rate_interval"  # at least four scrapes
_WIDTH, _HEIGHT = 24, 8  # of Grafana's grid
_DATASOURCE = DataSourceRef("prometheus", "${datasource}")


@dataclass(frozen=True)
class Panel:
    """Lines over time, or where it is `single` the last value in large type.

    `queries` are expressions with the names of their lines, where {{label}} is a label's value. `unit` is one of Grafana's.
    `below` and `above` are the values from which a single value turns from red to green, or a line from good to bad.
    """

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]
    description: str = ""
    single: bool = False
    below: float | None = None
    above: float | None = None
    width: int = 8

    def build(self, number: int) -> stat.Panel | timeseries.Panel:
        built = _stat() if self.single else _timeseries()
        built.id(number).title(self.title).description(self.description).unit(self.unit).datasource(_DATASOURCE)
        built.span(self.width).height(_HEIGHT // 2 if self.single else _HEIGHT).thresholds(self._thresholds())
        if isinstance(built, timeseries.Panel) and self.above is not None:
            built.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
        for position, (expression, legend) in enumerate(self.queries):
            query = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + position))
            built.with_target(query.datasource(_DATASOURCE))
        return built

    def _thresholds(self) -> dashboard.ThresholdsConfig:
        steps = [Threshold(None, "green")]
        if self.below is not None:
            steps = [Threshold(None, "red"), Threshold(self.below, "green")]
        if self.above is not None:
            steps.append(Threshold(self.above, "red"))
        return dashboard.ThresholdsConfig().steps(steps)


def _stat() -> stat.Panel:
    return stat.Panel().color_mode(BigValueColorMode.BACKGROUND).reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _timeseries() -> timeseries.Panel:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
    return timeseries.Panel().legend(legend).fill_opacity(5).axis_soft_min(0)


@dataclass(frozen=True)
class Dashboard:
    """`rows` have their panels by their titles. `name` is that of the file, and of the page in Grafana's address."""

    name: str
    title: str
    description: str
    rows: dict[str, list[Panel]]

    @property
    def panels(self) -> list[Panel]:
        return [panel for row in self.rows.values() for panel in row]

    def json(self) -> str:
        built = (
            dashboard.Dashboard(f"Payments: {self.title}")
            .uid(f"payments-{self.name}")
            .description(self.description)
            .tags(["payments"])
            .time("now-3h", "now")
            .refresh("30s")
            .timezone("browser")
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
            .with_variable(_namespace())
            .link(_links())
        )
        number = 0
        for title, panels in self.rows.items():
            number += 1
            built.with_row(dashboard.Row(title).id(number))
            for panel in panels:
                number += 1
                built.with_panel(panel.build(number))
        return json.dumps(built.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _namespace() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("namespace")
        .label("Namespace")
        .query("label_values(payments_build_info, namespace)")
        .datasource(_DATASOURCE)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )


def _links() -> dashboard.DashboardLink:
    """To the other dashboards, with the time and the namespace that are chosen."""
    return (
        dashboard.DashboardLink("Payments")
        .type(DashboardLinkType.DASHBOARDS)
        .tags(["payments"])
        .as_dropdown(False)
        .keep_time(True)
        .include_vars(True)
    )
