"""What both commands do alike as processes: options that are environment variables too, addresses, workers, logs, metrics, signals."""
