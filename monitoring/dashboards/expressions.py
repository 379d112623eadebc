"""What the panels' queries have in common."""

import re
from collections.abc import Mapping

from monitoring.dashboards.panel import NAMESPACE, RATE


def selector(metric: str, *matchers: str) -> str:
    """The metric's series of the chosen namespaces that also match."""
    return f"{metric}{{{','.join((NAMESPACE, *matchers))}}}"


def rate(metric: str, *matchers: str, by: str = "") -> str:
    """A counter's growth a second, added up."""
    return f"sum by ({by}) (rate({selector(metric, *matchers)}[{RATE}]))"


def rate_of_met(metric: str, *matchers: str, by: str) -> str:
    """The same of those alone that have happened at all: every gRPC code is counted from the start, at 0."""
    return f"{rate(metric, *matchers, by=by)} and sum by ({by}) ({selector(metric, *matchers)}) > 0"


def quantile(share: float, histogram: str, *matchers: str, by: str = "") -> str:
    """The value that this share of a histogram's observations does not exceed."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', *matchers, by=labels)})"


def mean(histogram: str, *matchers: str, by: str = "") -> str:
    return f"{rate(f'{histogram}_sum', *matchers, by=by)} / {rate(f'{histogram}_count', *matchers, by=by)}"


def sent(expression: str, window: str) -> str:
    """As Grafana sends it with all namespaces chosen; `window` is that of rates."""
    return expression.replace(RATE, window).replace("$namespace", ".*")


def named(legend: str, labels: Mapping[str, str]) -> str:
    """A line's name, as Grafana makes it."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), legend)
