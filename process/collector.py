"""Python's cyclic garbage collector in a process that serves."""

import gc

# Young objects before a collection. Messages and rows are freed by their reference counts; what is left to the collector comes slowly.
_YOUNG = 20_000


def settle_collector() -> None:
    """To be called once all is loaded: what is there now stays for good, and is no longer walked through at every collection.

    A full collection otherwise stops every request for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)
