"""Answer plugins: functions of the operator's that find the answer in a text."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from laserve.core.dotted import load_function
from laserve.errors import ConfigurationError

AnswerPlugin = Callable[[str], str | None]
"""Takes the text of a sample, returns its answer or None."""

_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class _Checked:
    """An operator's function, held to return a text or None."""

    name: str
    function: Callable[[str], object]

    def __call__(self, text: str) -> str | None:
        answer = self.function(text)
        if answer is None or isinstance(answer, str):
            return answer
        raise ConfigurationError(
            f"answer plugin {self.name} returned a {type(answer).__name__}: it must return a str "
            "or None"
        )


def load_plugin(option: str) -> tuple[str, AnswerPlugin]:
    """Name and function of "NAME=package.module:function".

    The function raises ConfigurationError where it returns anything but a text or None. Raises
    ConfigurationError where there is no such function.
    """
    name, equals, path = option.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"answer plugin {option!r} is not of the form NAME=package.module:function"
        )
    return name, _Checked(name, load_function(path, "answer plugin"))


def load_plugins(options: Iterable[str]) -> dict[str, AnswerPlugin]:
    """Functions by name, as `load_plugin`. Raises ConfigurationError for a name that is given
    twice, too."""
    plugins: dict[str, AnswerPlugin] = {}
    for option in options:
        name, plugin = load_plugin(option)
        if name in plugins:
            raise ConfigurationError(f"answer plugin {name} is given twice: name one of them anew")
        plugins[name] = plugin
    return plugins
