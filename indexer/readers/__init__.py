"""How is one kind of file turned into text? One small file per family of formats."""
