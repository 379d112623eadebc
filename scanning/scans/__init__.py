"""A scan each: what it is called with, and how its output is read."""
