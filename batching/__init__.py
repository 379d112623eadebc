"""What arrives while others are on their way travels together: what the gateway's coalescing and the server's group commit share."""

from batching.batcher import Batcher

__all__ = ["Batcher"]
