"""What both commands do alike as processes: options that are environment variables too, addresses, logs, metrics, signals."""
