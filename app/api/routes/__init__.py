"""Which paths are there, and what answers them?"""
