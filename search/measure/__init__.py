"""How well are queries answered? Judged data, metrics, evaluation."""
