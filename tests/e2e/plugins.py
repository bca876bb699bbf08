"""An answer plug-in, loaded by the demo's server."""


def result(text: str) -> str | None:
    """What a Countdown solution says that it comes to: after its `#`."""
    head, mark, tail = text.partition("#")
    return tail or None if head and mark else None
