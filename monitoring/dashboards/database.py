"""PostgreSQL as the server sees it, and how many requests share a statement."""

from monitoring.dashboards.expressions import mean, quantile, rate, selector
from monitoring.dashboards.panel import Dashboard, Panel

DATABASE = Dashboard(
    "database",
    "database and batching",
    "Connections, statements, and how many requests share one.",
    {
        "Connections": [
            Panel("Database", "none", [(f"min by (instance) ({selector('payments_database_up')})", "{{instance}}")], single=True, below=1),
            Panel(
                "Connections",
                "none",
                [
                    (f"sum by (pool, state) ({selector('payments_database_connections')})", "{{pool}} {{state}}"),
                    (f"sum by (pool) ({selector('payments_database_connections_max')})", "{{pool}} at most"),
                ],
                "The pool `service` answers calls, `health` watches the database.",
            ),
            Panel("Waiting for a connection", "none", [(f"sum by (pool) ({selector('payments_database_waiting')})", "{{pool}}")]),
            Panel("Wait for a connection, p99", "s", [(quantile(0.99, "payments_database_wait_seconds", by="pool"), "{{pool}}")]),
        ],
        "Statements": [
            Panel("Statements", "ops", [(rate("payments_database_statement_seconds_count", by="statement"), "{{statement}}")]),
            Panel("Duration, median", "s", [(quantile(0.5, "payments_database_statement_seconds", by="statement"), "{{statement}}")]),
            Panel("Duration, p99", "s", [(quantile(0.99, "payments_database_statement_seconds", by="statement"), "{{statement}}")]),
            Panel("Failed", "ops", [(rate("payments_database_failures_total", by="reason"), "{{reason}}")]),
            Panel(
                "Sent again",
                "ops",
                [(f"{rate('payments_database_retries_total', by='statement')} or vector(0)", "{{statement}}")],
                "As the connection was lost.",
            ),
        ],
        "Batching": [
            Panel(
                "Payments in a statement, mean",
                "none",
                [(mean("payments_database_group_size", by="statement"), "{{statement}}")],
                "What arrives while a statement is on its way shares the next, and its fsync.",
            ),
            Panel("Calls in a message, mean", "none", [(mean("payments_gateway_group_size", by="grpc_method"), "{{grpc_method}}")]),
            Panel(
                "Payments in a statement, p99",
                "none",
                [(quantile(0.99, "payments_database_group_size", by="statement"), "{{statement}}")],
            ),
        ],
    },
)
