"""Which answer a sample gives: every kind, and that none can be made to fail or hang."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.answers.extraction import make_extractor
from laserve.answers.message import Message, ToolCall
from laserve.answers.plugins import AnswerPlugin, load_plugin, load_plugins
from laserve.errors import ConfigurationError, RequestError

KINDS = [
    *("text", "boxed", "last_number", "choice", "tool_call", "tool_name"),
    *("regex:(a+)+$", r"regex:\{(.*?)\}", "json:$", "json:$.a", "plugin:upper"),
]


def upper(text: str) -> str | None:
    return text.upper() or None


PLUGINS: Mapping[str, AnswerPlugin] = {"upper": upper, "lower": str.lower}


def answer(spec: str, text: str, *calls: ToolCall) -> str | None:
    return make_extractor(spec, PLUGINS)(Message(text, calls))


@pytest.mark.parametrize(
    ("spec", "text", "expected"),
    [
        ("text", " It is 5.\n", " It is 5.\n"),
        ("boxed", r"\boxed{ 5 } or \boxed{ 6 }", "6"),
        ("boxed", "6", None),
        ("boxed", r"\boxed{ }", None),
        ("last_number", "1,000 or 2,000.0", "2000"),
        ("choice", "The answer is (B).", "B"),
        ("regex:Answer: (.+)", "Answer: 5", "5"),
        ("regex:a:b", "a:b", "a:b"),
        ("regex: +", "a  b", None),
        ("json:$.a", '{"a": {"c": 1, "b": 2}}', '{"b":2,"c":1}'),
        ("json:$.a", '{"a": ""}', None),
        ("json:$.a", '{"a": "\\ud800!"}', "\ufffd!"),
        ("plugin:upper", "five", "FIVE"),
        ("plugin:upper", "", None),
        ("plugin:lower", "  ", None),
        ("tool_call", "f()", None),
        ("tool_name", "f()", None),
    ],
)
def test_each_kind_finds_its_answer(spec: str, text: str, expected: str | None) -> None:
    assert answer(spec, text) == expected


@pytest.mark.parametrize("spec", KINDS)
@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_blank_text_gives_no_answer(spec: str, text: str) -> None:
    assert answer(spec, text) is None


def test_answers_are_kept_whole() -> None:
    text = "a" * 10_000
    assert answer("text", text) == text
    assert answer("boxed", rf"\boxed{{{text}}}") == text


# --- tool calls ---


def test_tool_calls_with_the_same_arguments_are_the_same_answer() -> None:
    one = answer("tool_call", "", ToolCall("f", '{"b": 2.0, "a": [1, "é"]}'), ToolCall("g", ""))
    other = answer(
        "tool_call", "!", ToolCall("f", '{"a":[1,"\\u00e9"],"b":2}'), ToolCall("g", "{}")
    )
    assert one == other
    assert one == ('[{"arguments":{"a":[1,"é"],"b":2},"name":"f"},{"arguments":{},"name":"g"}]')


def test_arguments_that_are_no_json_are_an_answer_too() -> None:
    found = answer("tool_call", "", ToolCall('f"', '{"a": NaN'))
    assert found is not None
    assert json.loads(found) == [{"arguments": '{"a": NaN', "name": 'f"'}]
    deep = answer("tool_call", "", ToolCall("f", "[" * 100_000))
    assert deep is not None
    assert json.loads(deep)[0]["arguments"] == "[" * 100_000


def test_the_names_of_tool_calls_are_an_answer() -> None:
    assert answer("tool_name", "", ToolCall("f", "{}")) == "f"
    assert answer("tool_name", "", ToolCall("f", "1"), ToolCall("g", "2")) == "f, g"
    assert answer("tool_name", "", ToolCall("", "")) is None


# --- refusals ---


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("", "'' does not exist; there are: text, boxed, last_number, choice, regex:PATTERN"),
        ("Boxed", "'Boxed' does not exist; there are: text, boxed"),
        ("text:", "'text:' does not exist"),
        ("regex", "regex: has no pattern"),
        ("regex:(", "cannot be used"),
        ("json:a", "is no JSON path of RFC 9535"),
        ("json", "is no JSON path of RFC 9535"),
        ("plugin:", "the plugin '' does not exist; there are: lower, upper"),
        ("plugin:mine", "the plugin 'mine' does not exist; there are: lower, upper"),
        ("\ud800", r"'\ud800' does not exist"),
    ],
)
def test_what_is_no_kind_of_answer_is_refused_with_the_reason(spec: str, reason: str) -> None:
    with pytest.raises(RequestError, match=re.escape(reason)) as refusal:
        make_extractor(spec, PLUGINS)
    assert refusal.value.param == "selection.answer"


def test_a_server_without_plugins_says_so() -> None:
    with pytest.raises(RequestError, match="this server has none"):
        make_extractor("plugin:mine", {})


@given(st.text())
def test_any_other_text_is_refused_in_words_that_can_be_sent(spec: str) -> None:
    with pytest.raises(RequestError) as refusal:
        make_extractor(f"x{spec * 50}", PLUGINS)
    str(refusal.value).encode()
    assert len(str(refusal.value)) < 1000


# --- hostile texts ---

ANY_TEXT = (
    st.text()
    | st.text("\\boxed{}()[]\"':,.0123456789eE-+$`json\n aAB\ud800")
    | st.text(st.characters(categories=["Cs", "Cc", "Mn", "Nd", "No", "Sc", "Pd", "Zs"]))
    | st.lists(
        st.sampled_from(
            [
                *(
                    "answer",
                    " is ",
                    ": ",
                    "Option ",
                    "B",
                    "(b)",
                    "A man",
                    "I",
                    " correct",
                    "\n",
                    ".",
                ),
                *(
                    "**",
                    "_",
                    "$",
                    "\\boxed{",
                    "\\text{",
                    "}",
                    "'",
                    "<b>",
                    "（Ｂ）",
                    "答案是",
                    "```json\n",
                ),
                *(
                    "-",
                    "−",
                    "1",
                    ",234",
                    "\\,000",
                    ".5",
                    "e",
                    "×10^",
                    "^{",
                    "²",
                    "/",
                    "½",
                    "\\frac{1}",
                ),
                *('{"a": ', "[", "]", "}", "null", '"', "\\", "NaN", " "),
            ]
        )
    ).map("".join)
)


@pytest.mark.parametrize("spec", KINDS)
@given(text=ANY_TEXT, arguments=ANY_TEXT)
def test_any_text_has_an_answer_that_can_be_sent_or_none(
    spec: str, text: str, arguments: str
) -> None:
    found = answer(spec, text, ToolCall(arguments, text))
    if found is not None:
        assert found.strip()
        found.encode()


DEEP = 100_000
HOSTILE = {
    "boxes": "\\boxed{" * DEEP,
    "boxes in boxes": "\\boxed{" * DEEP + "B" + "}" * DEEP,
    "braces": "{" * 1_000_000,
    "arrays": "[" * DEEP + "]" * DEEP,
    "objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "digits": "9" * 1_000_000,
    "digits in JSON": '{"a": ' + "9" * 1_000_000 + "}",
    "exponents": "1e" * 500_000,
    "thousands": "1" + ",234" * 250_000 + "5",
    "commas": "1," * 500_000,
    "signs": "-" * 1_000_000,
    "answers": "answer: option " * 66_000,
    "white space": "answer is " + " " * 1_000_000,
    "lines": "\n" * 1_000_000,
    "fences": "```\n```json\n" * 80_000,
    "backticks": "`" * 1_000_000,
    "letters": "a" * 1_000_000 + "b",
    "marks": "\u0301\u0316" * 500_000,
    "surrogates": "\ud800" * 1_000_000,
}


@pytest.mark.parametrize("spec", KINDS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_megabyte_made_to_hang_it_is_searched_to_its_end(spec: str, text: str) -> None:
    answer(spec, text, ToolCall("f", text))


# --- plugins ---

MODULE = """
def first_word(text):
    return text.split()[0] if text.split() else None

def number(text):
    return 5

CONSTANT = 3
"""


@pytest.fixture
def operators_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "of_the_operator.py").write_text(MODULE)
    (tmp_path / "broken_of_the_operator.py").write_text("def (")
    monkeypatch.syspath_prepend(tmp_path)
    yield "of_the_operator"
    sys.modules.pop("of_the_operator", None)


def test_an_operators_function_finds_answers(operators_module: str) -> None:
    name, function = load_plugin(f"mine={operators_module}:first_word")
    assert name == "mine"
    extract = make_extractor("plugin:mine", {name: function})
    assert extract(Message("five or six")) == "five"
    assert extract(Message("")) is None


def test_a_plugin_that_returns_no_text_is_told_of(operators_module: str) -> None:
    _, function = load_plugin(f"mine={operators_module}:number")
    with pytest.raises(ConfigurationError, match="answer plugin mine returned a int: it must"):
        function("")


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("of_the_operator:first_word", "is not of the form NAME=package.module:function"),
        ("=of_the_operator:first_word", "is not of the form NAME=package.module:function"),
        ("a b=of_the_operator:first_word", "is not of the form NAME=package.module:function"),
        ("mine=of_the_operator", "'of_the_operator' is not of the form package.module:function"),
        ("mine=:f", "':f' is not of the form package.module:function"),
        ("mine=nowhere_to_be_found:f", "cannot be imported: No module named"),
        ("mine=.relative:f", ".relative cannot be imported"),
        ("mine=broken_of_the_operator:f", "broken_of_the_operator cannot be imported"),
        ("mine=of_the_operator:missing", "of_the_operator has no missing"),
        ("mine=of_the_operator:CONSTANT", "CONSTANT is a int, not a function"),
    ],
)
def test_what_is_no_plugin_is_refused_with_the_reason(
    option: str, reason: str, operators_module: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        load_plugin(option)


def test_plugins_have_different_names(operators_module: str) -> None:
    option = f"{operators_module}:first_word"
    assert list(load_plugins([f"a={option}", f"b={option}"])) == ["a", "b"]
    with pytest.raises(ConfigurationError, match="answer plugin a is given twice"):
        load_plugins([f"a={option}", f"a={option}"])
