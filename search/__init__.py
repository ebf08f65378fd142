"""Which passages answer this query, and how well? Hybrid retrieval, fusion, engine, prompt, metrics, evaluation."""
