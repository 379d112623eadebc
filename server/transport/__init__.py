"""gRPC's core on asyncio's event loop: what grpc.aio's server does, at less than half of its cost a call.

It stands on cygrpc, the layer below grpcio's own servers, which promises no stability: decision 0015 tells why that is worth it.
"""

from server.transport.patience import PATIENCE, Patience
from server.transport.server import Server, unimplemented

__all__ = ["PATIENCE", "Patience", "Server", "unimplemented"]
