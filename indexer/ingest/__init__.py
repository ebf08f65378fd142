"""What must change so that the index equals the folder? Scan, plan, prepare, write, watch, verify."""
