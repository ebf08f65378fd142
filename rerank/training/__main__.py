"""`python -m rerank.training`: the trained model, from pairs."""

import sys

from rerank.training.train import main

sys.exit(main())
