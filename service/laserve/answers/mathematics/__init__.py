"""Answers as mathematics: `key.math_key` says which of them are one. Read it first."""
