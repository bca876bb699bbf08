"""Verifiers by their name in a configuration."""

from laserve.errors import ConfigurationError
from laserve_training.problem import PartedTask, Task, Verifier
from laserve_training.verifiers.choice import ChoiceVerifier
from laserve_training.verifiers.dotted import load_verifier
from laserve_training.verifiers.exact import is_exact
from laserve_training.verifiers.math import MathVerifier
from laserve_training.verifiers.parted import PartedVerifier


def make_verifier(name: str, task: Task) -> Verifier:
    """The verifier of a name: "task" (the task's own), "math", "lenient_math", "exact", "choice",
    or a user's function as "package.module:function".

    Raises ConfigurationError where there is none of that name.
    """
    match name:
        case "task":
            if isinstance(task, PartedTask):
                return PartedVerifier(
                    tuple(make_verifier(part.verifier, part.task) for part in task.parts)
                )
            if task.verifier is None:
                raise ConfigurationError(
                    f"task {task.name} has no verifier of its own: name math, exact, choice, or a "
                    "function of yours as package.module:function"
                )
            return task.verifier
        case "math":
            return MathVerifier()
        case "lenient_math":
            return MathVerifier(is_lenient=True)
        case "exact":
            return is_exact
        case "choice":
            return ChoiceVerifier()
    if ":" in name:
        return load_verifier(name)
    raise ConfigurationError(
        f"verifier {name!r} does not exist; there are: task, math, lenient_math, exact, choice, "
        "and functions of yours as package.module:function"
    )
