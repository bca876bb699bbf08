"""LaSeR on TRL: the loss, the advantage, the rollouts and the trainer (arXiv 2510.14943)."""
