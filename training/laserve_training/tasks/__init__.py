"""Problems to train and evaluate on, and what tells a right answer from a wrong one."""
