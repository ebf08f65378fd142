"""Work handed to the process that owns an index, over its HTTP API."""
