"""How relevant is each passage to the query? Scorers, batching, attention, windows, profiles."""
