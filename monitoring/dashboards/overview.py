"""The first look: are the objectives met, what is asked, does anything fail."""

from monitoring.dashboards.expressions import quantile, rate, rate_of_met, selector
from monitoring.dashboards.panel import Dashboard, Panel
from monitoring.slo import BURN_RATES

_PAYMENTS = 'grpc_service=~"payments[.]v1[.].+"'
_OURS = 'job=~"payments-(server|gateway)"'


def _burn(window: str) -> str:
    return f"{selector(f'slo:error_ratio:rate{window}')} / on (slo) group_left () slo:error_budget:ratio"


def _firing(severity: str) -> str:
    firing = selector("ALERTS", 'alertname=~"Payments.+"', 'alertstate="firing"', f'severity="{severity}"')
    return f"count({firing}) or vector(0)"


def _share(gauge: str) -> str:
    return f"max({selector(gauge)} / {selector(f'{gauge}_limit')})"


OVERVIEW = Dashboard(
    "overview",
    "overview",
    "Objectives, traffic, failures. What each metric counts: docs/metrics.md.",
    {
        "Objectives": [
            Panel(
                "Error budget left",
                "percentunit",
                [(f"min by (slo) ({selector('slo:error_budget_left:ratio')})", "{{slo}}")],
                "Of 30 days, or as many as Prometheus has. Below 0 the objective is missed.",
                single=True,
                below=0,
                width=12,
            ),
            Panel(
                "Objective met",
                "percentunit",
                [(f"min by (slo) (1 - {selector('slo:error_ratio:rate30d')})", "{{slo}}")],
                "Share of requests of 30 days.",
                single=True,
                width=12,
            ),
            Panel(
                "Burn rate, one hour",
                "none",
                [(_burn("1h"), "{{slo}}")],
                "1 uses up the budget in 30 days. Above the line, somebody is paged.",
                above=BURN_RATES[0].factor,
            ),
            Panel(
                "Burn rate, six hours",
                "none",
                [(_burn("6h"), "{{slo}}")],
                "Above the line, somebody is paged.",
                above=BURN_RATES[1].factor,
            ),
            Panel(
                "Alerts",
                "none",
                [(_firing(severity), severity) for severity in ("page", "ticket")],
                "How many fire.",
                above=1,
            ),
        ],
        "Requests": [
            Panel("REST requests", "reqps", [(rate("http_requests_total", by="code"), "{{code}}")], "By HTTP status."),
            Panel(
                "REST duration",
                "s",
                [(quantile(share, "http_request_duration_seconds", 'route!="/list"'), f"p{share * 100:g}") for share in (0.5, 0.99)],
                "Without lists, which last as long as their clients read. The line is the objective's.",
                above=0.3,
            ),
            Panel(
                "Payments",
                "ops",
                [(rate(f"payments_{change}_total"), change) for change in ("created", "consumed", "deleted")],
            ),
            Panel(
                "gRPC calls", "reqps", [(rate_of_met("grpc_server_handled_total", _PAYMENTS, by="grpc_code"), "{{grpc_code}}")], "By code."
            ),
            Panel(
                "gRPC duration",
                "s",
                [(quantile(share, "grpc_server_handling_seconds", _PAYMENTS), f"p{share * 100:g}") for share in (0.5, 0.99)],
                "The line is the objective's.",
                above=0.3,
            ),
            Panel(
                "Share of what may be in flight",
                "percentunit",
                [(_share("payments_gateway_in_flight_requests"), "gateway"), (_share("payments_server_in_flight_calls"), "server")],
                "At 1 more is refused.",
                above=1,
            ),
        ],
        "Parts": [
            Panel(
                "Answering Prometheus",
                "none",
                [(f"sum by (job) ({selector('up', _OURS)})", "{{job}}")],
                single=True,
                below=1,
            ),
            Panel(
                "Database",
                "none",
                [(f"min({selector('payments_database_up')})", "up")],
                "0 where one server has none.",
                single=True,
                below=1,
            ),
            Panel(
                "Starts in an hour",
                "none",
                [(f"sum by (job) (resets({selector('asyncio_event_loop_lag_seconds_count', _OURS)}[1h]))", "{{job}}")],
                single=True,
                above=3,
            ),
        ],
    },
)
