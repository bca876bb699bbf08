"""Measures c_ref, the constant of the score that the reference model gives."""
