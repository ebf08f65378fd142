"""What does a file of this format say? One module a format."""
