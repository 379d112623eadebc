"""Load on the API, what it costs, and reports of it with charts."""
