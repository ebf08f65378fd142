"""How relevant is this passage, compared token by token with the query? Late interaction over kept vectors."""
