"""X-Request-Id, by which a request is found in the logs of both processes."""

import re

# In this form alone a client's own is taken: it can end neither a line of a log nor a string of JSON.
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
