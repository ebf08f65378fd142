"""What can be done from the command line? One file for each thing that a person wants."""
