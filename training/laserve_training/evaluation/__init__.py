"""Scores a checkpoint on problems through the service's own engine, and reports what the score is
worth beside its rivals."""
