"""How relevant is this passage, read together with the query? One logit a pair."""
