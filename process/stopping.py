"""The signals that ask a process to stop."""

import asyncio
import signal


def stop_signals() -> asyncio.Queue[signal.Signals]:
    """SIGTERM and SIGINT as they come, from now on instead of ending the process. Needs the running event loop."""
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.put_nowait, number)
    return signals
