"""Removes the payments of a load that was stopped before it came to it."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc

from loadtest.engines.engine import Job
from payments.v1 import DeletePaymentRequest, PaymentServiceStub

_AT_ONCE = 16
_SECONDS = 20.0  # then it gives up; what is left is of the load, and says so in its data


def channel(job: Job) -> grpc.Channel:
    """To the target's gRPC."""
    target = job.target
    if not target.grpc_tls:
        return grpc.insecure_channel(target.grpc)
    authorities = None
    if target.ca:
        with open(target.ca, "rb") as file:
            authorities = file.read()
    return grpc.secure_channel(target.grpc, grpc.ssl_channel_credentials(authorities))


def remove(job: Job, ids: Sequence[str]) -> None:
    """Those that are there."""
    metadata = (("authorization", f"Bearer {job.key}"),) if job.key else ()
    end = time.monotonic() + _SECONDS
    with channel(job) as opened, ThreadPoolExecutor(_AT_ONCE) as threads:
        stub = PaymentServiceStub(opened)

        def delete(id: str) -> None:
            left = end - time.monotonic()
            if left <= 0:
                return
            try:
                stub.DeletePayment(DeletePaymentRequest(id=id), metadata=metadata, timeout=left)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    return
                job.results.leave(id)

        list(threads.map(delete, ids))
