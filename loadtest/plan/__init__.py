"""What is to be offered, to whom, and what has to come of it."""
