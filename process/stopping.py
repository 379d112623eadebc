"""The signals that ask a process to stop."""

import asyncio
import signal

STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


def stop_signals() -> asyncio.Queue[signal.Signals]:
    """SIGTERM and SIGINT as they come, from now on instead of ending the process. Needs the running event loop.

    Those that came while they were blocked, as they are in a worker that starts, come first.
    """
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, signals.put_nowait, number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    return signals
