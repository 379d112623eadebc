"""Queries that several panels have in common."""

from monitoring.dashboards.panel import NAMESPACE, RATE


def selector(metric: str, *matchers: str) -> str:
    """The metric's series of the chosen namespaces that also match."""
    return f"{metric}{{{','.join((NAMESPACE, *matchers))}}}"


def rate(metric: str, *matchers: str, by: str = "") -> str:
    """A counter's growth a second, added up."""
    return f"sum by ({by}) (rate({selector(metric, *matchers)}[{RATE}]))"


def quantile(share: float, histogram: str, *matchers: str, by: str = "") -> str:
    """The value that this share of a histogram's observations does not exceed."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', *matchers, by=labels)})"


def mean(histogram: str, *matchers: str, by: str = "") -> str:
    return f"{rate(f'{histogram}_sum', *matchers, by=by)} / {rate(f'{histogram}_count', *matchers, by=by)}"
