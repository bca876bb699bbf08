"""What tells a right answer from a wrong one."""
