"""What do clients send and get? One module a wire shape."""
