"""Run within a pod: creates and reads over gRPC, shared out over all servers, until standard input ends.

No retry policy is set, so a call that a server has seen is never repeated. What gRPC does by itself stays on, as in every client: a call that
meets a connection at its end, which the server says that it has not seen, goes out again by another ("transparent retry", gRFC A6)."""

import json
import sys
import threading
import uuid

import grpc

from payments.v1 import CreatePaymentRequest, GetPaymentRequest, PaymentServiceStub

target, threads = sys.argv[1], int(sys.argv[2])
config = {"loadBalancingConfig": [{"round_robin": {}}]}
options = [("grpc.service_config", json.dumps(config)), ("grpc.dns_min_time_between_resolutions_ms", 2000)]
ended = threading.Event()
calls, failures = [0] * threads, []


def call(number: int, payments: PaymentServiceStub) -> None:
    while not ended.is_set():
        try:
            request = CreatePaymentRequest(data='{"load": 1}', payment="1.00", request_id=str(uuid.uuid4()))
            created = payments.CreatePayment(request, timeout=10)
            assert payments.GetPayment(GetPaymentRequest(id=created.id), timeout=10) == created
            calls[number] += 2
        except grpc.RpcError as error:
            failures.append(f"{error.code()}: {error.details()}")
        ended.wait(0.03)


with grpc.insecure_channel(target, options=options) as channel:
    grpc.channel_ready_future(channel).result(timeout=30)
    running = [threading.Thread(target=call, args=(number, PaymentServiceStub(channel))) for number in range(threads)]
    for thread in running:
        thread.start()
    print("begun", flush=True)
    sys.stdin.read()
    ended.set()
    for thread in running:
        thread.join()
print(json.dumps({"calls": sum(calls), "failures": failures}))
