"""Runs .travis.yml on this machine as Travis would: the same conditions, environment and lines (`make rehearse`, docs/ci.md)."""
