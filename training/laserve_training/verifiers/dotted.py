"""A verifier of the user's: any function (problem, completion) -> bool."""

from collections.abc import Callable
from dataclasses import dataclass

from laserve.core.dotted import load_function
from laserve.errors import DataError
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
    return _Checked(path, load_function(path, "verifier"))
