"""What does a file say? Bytes of any known format become text."""
