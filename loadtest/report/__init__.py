"""What is told of a load, for people and for programs."""
