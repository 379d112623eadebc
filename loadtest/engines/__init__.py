"""What sends the load: ghz over gRPC, Locust over REST. Each counts a request from the moment it was due."""
