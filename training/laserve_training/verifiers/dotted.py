"""A verifier of the user's: any function (problem, completion) -> bool."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from laserve.errors import ConfigurationError, DataError
from laserve_training.problem import Problem, Verifier


@dataclass(frozen=True, slots=True)
class _Checked:
    """A user's function, held to answer yes or no."""

    path: str
    function: Callable[[Problem, str], object]

    def __call__(self, problem: Problem, completion: str) -> bool:
        verdict = self.function(problem, completion)
        if isinstance(verdict, bool | int | float) and verdict in (0, 1):
            return bool(verdict)
        raise DataError(
            f"verifier {self.path} returned {verdict!r} for {problem.where}: return True or False"
        )


def load_verifier(path: str) -> Verifier:
    """The verifier at "package.module:function".

    It raises DataError where the function returns anything but True, False, 1 or 0. Raises
    ConfigurationError where there is no such function.
    """
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute:
        raise ConfigurationError(f"verifier {path!r} is not of the form package.module:function")
    try:
        module = import_module(module_name)
    except (ImportError, SyntaxError) as error:
        raise ConfigurationError(
            f"verifier {path}: {module_name} cannot be imported: {error}. Is it installed, or its "
            "folder on PYTHONPATH?"
        ) from error
    function = getattr(module, attribute, None)
    if function is None:
        raise ConfigurationError(f"verifier {path}: {module_name} has no {attribute}")
    if not callable(function):
        raise ConfigurationError(
            f"verifier {path}: {attribute} is a {type(function).__name__}, not a function"
        )
    return _Checked(path, function)
