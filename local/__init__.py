"""The whole service on this machine: what `make run` starts, and what the tests talk to."""
