"""What is known about every document and chunk? The SQL catalog, which is the truth."""
