"""Functions that a user names as "package.module:function"."""

from collections.abc import Callable
from importlib import import_module

from laserve.errors import ConfigurationError


def load_function(path: str, role: str) -> Callable[..., object]:
    """The function at "package.module:function"; `role` says what it is to be.

    Raises ConfigurationError where there is no such function.
    """
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute:
        raise ConfigurationError(f"{role} {path!r} is not of the form package.module:function")
    try:
        module = import_module(module_name)
    # TypeError: a name that begins with a dot.
    except (ImportError, SyntaxError, TypeError) as error:
        raise ConfigurationError(
            f"{role} {path}: {module_name} cannot be imported: {error}. Is it installed, or its "
            "folder on PYTHONPATH?"
        ) from error
    function: object = getattr(module, attribute, None)
    if function is None:
        raise ConfigurationError(f"{role} {path}: {module_name} has no {attribute}")
    if not callable(function):
        raise ConfigurationError(
            f"{role} {path}: {attribute} is a {type(function).__name__}, not a function"
        )
    return function
