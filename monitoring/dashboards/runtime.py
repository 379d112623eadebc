"""The processes themselves."""

from monitoring.dashboards.expressions import quantile, rate, selector
from monitoring.dashboards.panel import Dashboard, Panel

_OURS = 'job=~"payments-(server|gateway)"'
_PROCESS = "{{job}} {{instance}}"
_ONE_WORKER = "Missing with several workers, where the containers' own metrics tell of it."

RUNTIME = Dashboard(
    "runtime",
    "runtime",
    "CPU, memory, event loops, versions and certificates of the processes.",
    {
        "Event loops": [
            Panel(
                "Lag of the event loop, p99",
                "s",
                [(quantile(0.99, "asyncio_event_loop_lag_seconds", by="job, instance"), _PROCESS)],
                "What every request waits whenever it waits. It grows when there is too little CPU.",
                above=0.05,
            ),
            Panel(
                "CPU",
                "percentunit",
                [(rate("process_cpu_seconds_total", _OURS, by="job, instance"), _PROCESS)],
                f"1 is one core. {_ONE_WORKER}",
            ),
            Panel(
                "Collections of garbage",
                "ops",
                [(rate("python_gc_collections_total", _OURS, by="job, generation"), "{{job}} {{generation}}")],
                _ONE_WORKER,
            ),
        ],
        "Resources": [
            Panel("Memory", "bytes", [(selector("process_resident_memory_bytes", _OURS), _PROCESS)], _ONE_WORKER),
            Panel(
                "Open files and sockets",
                "percentunit",
                [(f"{selector('process_open_fds', _OURS)} / {selector('process_max_fds', _OURS)}", _PROCESS)],
                f"Of as many as there may be. {_ONE_WORKER}",
                above=0.8,
            ),
            Panel("Starts in an hour", "none", [(f"resets({selector('asyncio_event_loop_lag_seconds_count', _OURS)}[1h])", _PROCESS)]),
        ],
        "What runs": [
            Panel(
                "Versions",
                "none",
                [
                    (
                        f"count by (component, version, python, grpc) ({selector('payments_build_info')})",
                        "{{component}} {{version}}, Python {{python}}, gRPC {{grpc}}",
                    )
                ],
                "How many processes of each.",
            ),
            Panel(
                "Days until the certificate ends",
                "none",
                [(f"min by (job, instance) ({selector('payments_certificate_expiry_timestamp_seconds')} - time()) / 86400", _PROCESS)],
                "Of the certificate that is in use; none without TLS.",
            ),
            Panel("Duration of a scrape", "s", [(selector("scrape_duration_seconds", _OURS), _PROCESS)]),
        ],
    },
)
