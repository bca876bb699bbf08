"""What ends a race."""


class BenchError(RuntimeError):
    """The race cannot be run, or its contestants did not do the same work."""
