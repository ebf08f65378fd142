"""Where is a text cut? Structure and sizes become chunks."""
