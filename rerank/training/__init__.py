"""How is the bundled model made? Pairs, mined negatives, the loss, and the folder that is written."""
