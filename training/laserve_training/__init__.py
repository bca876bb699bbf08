"""Trains LaSeR checkpoints that LaServe can serve (arXiv 2510.14943)."""
