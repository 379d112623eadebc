"""What the gateway answers, and what it asks the server."""

from monitoring.dashboards.expressions import mean, quantile, rate, rate_of_met, selector
from monitoring.dashboards.panel import Dashboard, Panel

_IN_TIME = rate("http_request_duration_seconds_bucket", 'le="0.3"', by="route")
_SLOW = f"1 - {_IN_TIME} / {rate('http_request_duration_seconds_count', by='route')}"

REST = Dashboard(
    "rest",
    "REST",
    "The gateway's requests by route, its limits, its calls to the server.",
    {
        "Requests": [
            Panel("Requests", "reqps", [(rate("http_requests_total", by="method, route"), "{{method}} {{route}}")]),
            Panel(
                "Refused by the API",
                "reqps",
                [(rate("http_requests_total", 'code=~"4.."', by="route, code"), "{{route}} {{code}}")],
                "The clients' own faults, 429 apart.",
            ),
            Panel(
                "Failed",
                "reqps",
                [(rate("http_requests_total", 'code=~"5.."', by="route, code") + " or vector(0)", "{{route}} {{code}}")],
                "5xx.",
            ),
            Panel("Duration, median", "s", [(quantile(0.5, "http_request_duration_seconds", by="route"), "{{route}}")]),
            Panel("Duration, p99", "s", [(quantile(0.99, "http_request_duration_seconds", by="route"), "{{route}}")], above=0.3),
            Panel(
                "Slower than 300 ms",
                "percentunit",
                [(_SLOW, "{{route}}")],
                "The objective is 1 %, of all together.",
                above=0.01,
            ),
            Panel("Bodies of requests, mean", "bytes", [(mean("http_request_size_bytes", by="route"), "{{route}}")]),
            Panel("Bodies of answers, mean", "bytes", [(mean("http_response_size_bytes", by="route"), "{{route}}")]),
            Panel(
                "By client",
                "reqps",
                [(rate("payments_gateway_client_requests_total", by="client, status"), "{{client}} {{status}}")],
                "Where API keys are in use.",
            ),
        ],
        "Limits": [
            Panel(
                "In flight",
                "none",
                [
                    (f"sum by (instance) ({selector('payments_gateway_in_flight_requests')})", "{{instance}}"),
                    (f"min({selector('payments_gateway_in_flight_requests_limit')})", "limit"),
                ],
            ),
            Panel("Refused unread", "reqps", [(rate("payments_gateway_refused_requests_total", by="reason"), "{{reason}}")]),
        ],
        "Calls to the server": [
            Panel(
                "Calls", "reqps", [(rate_of_met("grpc_client_handled_total", by="grpc_method, grpc_code"), "{{grpc_method}} {{grpc_code}}")]
            ),
            Panel("Duration, p99", "s", [(quantile(0.99, "grpc_client_handling_seconds", by="grpc_method"), "{{grpc_method}}")]),
            Panel(
                "Calls in a message, mean",
                "none",
                [(mean("payments_gateway_group_size", by="grpc_method"), "{{grpc_method}}")],
                "Calls that arrive while one is on its way travel together in the next.",
            ),
        ],
    },
)
