"""Which answer a sample gives: the kinds of `selection.answer`."""

from collections.abc import Mapping

from laserve.answers.boxed import last_boxed
from laserve.answers.choice import chosen_letter
from laserve.answers.json_path import JsonPath
from laserve.answers.last_number import last_number
from laserve.answers.message import Extractor, Message
from laserve.answers.pattern import Pattern
from laserve.answers.plugins import AnswerPlugin
from laserve.answers.refusal import refused, shown
from laserve.answers.surrogates import without_surrogates
from laserve.answers.tool_calls import called, called_names

KINDS = (
    "text, boxed, last_number, choice, regex:PATTERN, json:PATH, tool_call, tool_name, plugin:NAME"
)


def make_extractor(spec: str, plugins: Mapping[str, AnswerPlugin]) -> Extractor:
    r"""The extractor that `spec`, a request's `selection.answer`, asks for:

    - text: the whole text; of a message that only calls tools, its calls as for tool_call
    - boxed: what stands in the last `\boxed{...}`
    - last_number: the last number, in one way of writing it (`last_number`)
    - choice: the letter A to J that the text settles on (`choice`)
    - regex:PATTERN: the last match's first group, or the match (`pattern`)
    - json:PATH: the value at a path in the text's JSON (`json_path`); null is none
    - tool_call, tool_name: names and arguments, or names, of the tool calls (`tool_calls`)
    - plugin:NAME: what the function of that name in `plugins` makes of the text

    Answers are kept whole. Lone surrogates in them become U+FFFD, so that they can be sent. Raises
    RequestError (`param` is "selection.answer") where `spec` is none of these.
    """
    find = _finder(spec, plugins)

    def extract(message: Message) -> str | None:
        answer = find(message)
        return without_surrogates(answer) if answer and not answer.isspace() else None

    return extract


def _finder(spec: str, plugins: Mapping[str, AnswerPlugin]) -> Extractor:
    match spec:
        case "text":
            return _whole
        case "boxed":
            return lambda message: (last_boxed(message.text) or "").strip()
        case "last_number":
            return lambda message: last_number(message.text)
        case "choice":
            return lambda message: chosen_letter(message.text)
        case "tool_call":
            return lambda message: called(message.tool_calls)
        case "tool_name":
            return lambda message: called_names(message.tool_calls)
    kind, _, rest = spec.partition(":")
    match kind:
        case "regex":
            pattern = Pattern(rest)
            return lambda message: pattern.last(message.text)
        case "json":
            path = JsonPath(rest)
            return lambda message: path.answer(message.text)
        case "plugin":
            plugin = _plugin(rest, plugins)
            return lambda message: plugin(message.text)
    raise refused(f"{shown(spec)} does not exist; there are: {KINDS}")


def _whole(message: Message) -> str | None:
    return message.text if message.text.strip() else called(message.tool_calls)


def _plugin(name: str, plugins: Mapping[str, AnswerPlugin]) -> AnswerPlugin:
    if name in plugins:
        return plugins[name]
    there_are = f"there are: {', '.join(sorted(plugins))}" if plugins else "this server has none"
    raise refused(f"the plugin {shown(name)} does not exist; {there_are}")
