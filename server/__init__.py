"""The gRPC server: PaymentService on PostgreSQL."""
