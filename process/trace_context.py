"""W3C Trace Context: https://www.w3.org/TR/trace-context/."""

import re

# Version 00 and later ones that keep its form; all-zero ids are invalid.
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_SAMPLED = 1


def trace_id(traceparent: str | bytes) -> str:
    """The trace's; empty where the text is no traceparent."""
    match = _match(traceparent)
    return match[1] if match else ""


def sampled_trace(traceparent: str | bytes) -> str:
    """The trace's id where it is recorded somewhere; empty where it is not, or the text is no traceparent."""
    match = _match(traceparent)
    return match[1] if match and int(match[2], 16) & _SAMPLED else ""


def _match(traceparent: str | bytes) -> re.Match[str] | None:
    return TRACEPARENT.fullmatch(traceparent) if traceparent and isinstance(traceparent, str) else None
