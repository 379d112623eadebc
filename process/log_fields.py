"""The fields of log lines that are made by hand, as they come in thousands a second."""

import time
from functools import cache
from json import dumps

_last = (0, "")


def timestamp() -> str:
    """Now, in UTC (RFC 3339), to the microsecond."""
    now = time.time()
    second = int(now)
    return f"{_second(second)}.{int((now - second) * 1e6):06d}Z"


def _second(second: int) -> str:
    """Of a line in thousands only one is the first of its second."""
    global _last
    if _last[0] != second:
        _last = (second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)))
    return _last[1]


@cache
def quoted(client: str) -> str:
    """A client's name as a string of JSON. Names are those of the server's file of keys."""
    return dumps(client)
