"""The packages that a module of this folder needs, each an extra of this one."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needed(extra: str) -> Iterator[None]:
    """Around the imports of an extra's package: raises ModuleNotFoundError that says how to install
    it."""
    try:
        yield
    except ModuleNotFoundError as error:
        message = (
            f"{error.name} is not installed: run `pip install './clients/python[{extra}]'` "
            "in a checkout of LaServe"
        )
        raise ModuleNotFoundError(message, name=error.name) from error
