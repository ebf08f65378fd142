"""Where does a text lie in the space of the model? Embedding models, here and elsewhere."""
