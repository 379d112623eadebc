"""Experiments on a cluster that may be broken: `make chaos CONTEXT=…`."""
