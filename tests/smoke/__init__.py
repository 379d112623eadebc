"""Whether a deployed service works, from outside, in less than half a minute. It writes payments of its own alone, and removes them."""
