"""Which words does a text count by? Analysis, BM25 weights, near-duplicates."""
