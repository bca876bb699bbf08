"""A score for a model that was not trained for one: z_c's row, fitted, and all else as it was."""
