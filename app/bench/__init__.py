"""What does it cost on this machine? Benchmarks that print ratios and write JSON."""
