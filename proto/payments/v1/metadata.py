"""Names of gRPC metadata that gateway and server have to agree on."""

# In a call: what a caller that repeats its own creates sends instead of a request_id: the id that the payment is to have.
PAYMENT_ID = "payments-payment-id"
# In trailing metadata: whose API key the call carried.
CLIENT = "payments-client"
