"""What the server answers."""

from monitoring.dashboards.expressions import mean, quantile, rate, rate_of_met, selector
from monitoring.dashboards.panel import Dashboard, Panel

_METHOD = "grpc_service, grpc_method"
_LEGEND = "{{grpc_service}}/{{grpc_method}}"

GRPC = Dashboard(
    "grpc",
    "gRPC",
    "The server's calls by method, those that come through the gateway among them, and its limits.",
    {
        "Calls": [
            Panel("Calls", "reqps", [(rate("grpc_server_handled_total", by=_METHOD), _LEGEND)]),
            Panel(
                "Not OK",
                "reqps",
                [
                    (
                        rate_of_met("grpc_server_handled_total", 'grpc_code!="OK"', by="grpc_method, grpc_code"),
                        "{{grpc_method}} {{grpc_code}}",
                    )
                ],
            ),
            Panel(
                "Being answered",
                "none",
                [
                    (
                        f"sum by ({_METHOD}) ({selector('grpc_server_started_total')})"
                        f" - sum by ({_METHOD}) ({selector('grpc_server_handled_total')})",
                        _LEGEND,
                    )
                ],
                "Watches of health last as long as their clients.",
            ),
            Panel("Duration, median", "s", [(quantile(0.5, "grpc_server_handling_seconds", by=_METHOD), _LEGEND)]),
            Panel("Duration, p99", "s", [(quantile(0.99, "grpc_server_handling_seconds", by=_METHOD), _LEGEND)], above=0.3),
            Panel(
                "By client",
                "reqps",
                [(rate("payments_server_client_calls_total", by="client, grpc_code"), "{{client}} {{grpc_code}}")],
                "Where API keys are in use.",
            ),
        ],
        "Messages and limits": [
            Panel(
                "Messages received, mean",
                "bytes",
                [(mean("grpc_server_msg_received_bytes", by=_METHOD), _LEGEND)],
                "Calls that travel together share one, of CoalescingService.",
            ),
            Panel("Messages sent, mean", "bytes", [(mean("grpc_server_msg_sent_bytes", by=_METHOD), _LEGEND)]),
            Panel(
                "Sent again by clients",
                "reqps",
                [(rate("payments_server_repeated_messages_total", by="grpc_method"), "{{grpc_method}}")],
                "By their retry policy.",
            ),
            Panel(
                "In flight",
                "none",
                [
                    (f"sum by (instance) ({selector('payments_server_in_flight_calls')})", "{{instance}}"),
                    (f"min({selector('payments_server_in_flight_calls_limit')})", "limit"),
                ],
            ),
            Panel("Refused unread", "reqps", [(rate("payments_server_refused_calls_total", by="reason"), "{{reason}}")]),
        ],
    },
)
