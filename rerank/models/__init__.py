"""How does a checkpoint become a running model? Layouts, weights, tokens, devices, batches; nothing about scores."""
