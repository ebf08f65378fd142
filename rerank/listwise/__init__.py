"""How relevant are these passages, read together in one prompt?"""
