"""The REST bridge: maps the HTTP endpoints of the proto's annotations onto the gRPC server."""
