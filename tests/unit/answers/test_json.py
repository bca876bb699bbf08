"""`json:PATH`: JSON in a text, and one value of it."""

import json
import math
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from laserve.answers.json_path import JsonPath, json_path_misses
from laserve.answers.json_text import canonical_json, find_json, json_values, parse_json
from laserve.answers.message import Message
from laserve.errors import RequestError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("path", "text", "answer"),
    [
        ("$.a", '{"a": 5}', "5"),
        ("$.a", '{"a": "5"}', "5"),
        ("$.a.b", '{"a": {"b": [1, {"d": 2, "c": null}]}}', '[1,{"c":null,"d":2}]'),
        ("$['a b'][0]", '{"a b": [true]}', "true"),
        ("$[-1]", "[1, 2]", "2"),
        ("$", " [1, 2]\n", "[1,2]"),
        ("$.a", '{"a": null}', None),
        ("$", "null", None),
        ("$", '{"a": null}', '{"a":null}'),
        ("$.a", '{"a": "é"}', "é"),
        ("$.a", '{"a": ["é"]}', '["é"]'),
        ("$.a", '{"b": 5}', None),
        ("$.a", "[5]", None),
        ("$[2]", "[1, 2]", None),
        ("$.a", "no JSON", None),
        # Numbers
        ("$", "[2.0, 20e-1, 2]", "[2,2,2]"),
        ("$", "[-0.0, 0.5, 1e300]", "[0,0.5,1e+300]"),
        ("$", "12345678901234567890123", "12345678901234567890123"),
        ("$", "[NaN]", None),
        ("$", "[Infinity]", None),
        ("$", "[1e999]", None),
        # Fences
        ("$.a", 'So:\n```json\n{"a": 5}\n```\nDone.', "5"),
        ("$.a", '```\n{"a": 5}\n```', "5"),
        ("$.a", '  ```JSON  \r\n{"a": 5}\r\n  ```\r\n', "5"),
        ("$.a", '```json\n{"a": 4}\n```\n```json\n{"a": 5}\n```', "5"),
        ("$.a", '```json\n{"a": 5}\n```\n```python\nprint()\n```', "5"),
        ("$.a", '```json\n{"a": 5}\n```\n```python\nprint({"a": 7})\n```', "5"),
        ("$.a", '```json\n{"a": 5}\n```\n```python\nprint({"a": 7})', "5"),
        ("$.a", '```py\nf({"a": 6})\n```json\n{"a": 5}\n```\n```py\nf({"a": 7})\n```', "5"),
        ("$.a", '```json\n{"b": 5}\n```\n```python\nprint({"a": 7})\n```', "7"),
        ("$.a", '```python\nprint({"a": 7})\n```', "7"),
        ("$.a", 'So {"a": 5}:\n```python\nprint({"a": 7})\n```', "5"),
        ("$.a", '```python\nprint({"a": 7})\n```\nSo {"a": 5}.', "5"),
        ("$.a", '```json\n{"a": 5}\n```\n```python\nf({"a": 7})\n```\nNo: {"a": 6}', "6"),
        ("$[0]", "```json\n[5]\n```\n```python\nf([7])\n```", "5"),
        ("$.a", '```json\n{"a": 5}\n```\n```json\nbroken\n```', None),
        ("$.a", '```json\n{"a": 4}\n```json\n{"a": 5}\n```', "5"),
        ("$.a", '```json\n{"a": 5}', "5"),
        ("$.a", '````json\n{"a": 5}\n````', "5"),
        ("$.a", '{"a": 5}\n```\nmake serve\n```', "5"),
        ("$", "```\n5\n```", "5"),
        # In prose
        ("$.a", 'It is {"a": 5}.', "5"),
        ("$.a", '**{"a": 5}**', "5"),
        ("$.a", 'First {"a": 4}, then {"a": 5}.', "5"),
        ("$.a", '{"a": 4}\n{"a": 5}', "5"),
        ("$.a", 'So {"a": 4}.\n```json\n{"a": 5}\n```', "5"),
        ("$.a", '```json\n{"a": 4}\n```\nNo: {"a": 5}', "5"),
        ("$.a", '```json\n{"a": 5}\n```\nSee [1].', "5"),
        ("$.a", '{"a": 5} and {"b": 6}', "5"),
        ("$.a", '{"a": 5}, or rather {"a": null}', None),
        ("$.a", r'It is {"a": "}{\"]["} there.', '}{"]['),
        ("$.a.b", 'So {"a": {"b": {"c": "}"}}} it is', '{"c":"}"}'),
        ("$[0]", "The list is [5, 6].", "5"),
        ("$", "The list is [5, [6]].", "[5,[6]]"),
        ("$", 'The object is {"a": 5} [1].', '{"a":5}'),
        ("$.a", r'Let S = \{x : x > \frac{1}{2}\} \cup [0, 1), so {"a": 5}.', "5"),
        ("$.a", 'It is {"a": 5', None),
        ("$.a", "It is {'a': 5}.", None),
        ("$.a", 'It is {"a": NaN}.', None),
        ("$.a", 'It is {"a": 4}, {"a": NaN}.', "4"),
        # What stands inside of a broken one is not what was meant.
        ("$.a", '{"b": {"a": 5}, "a": 6,}', None),
        ("$", "It is 5.", None),
    ],
)
def test_the_value_at_the_path_is_the_answer(path: str, text: str, answer: str | None) -> None:
    assert JsonPath(path).answer(text) == answer


@given(VALUES, st.booleans())
def test_values_come_out_as_they_went_in(value: JsonValue, sort: bool) -> None:
    text = json.dumps(value, sort_keys=sort, indent=1)
    assert parse_json(text) == value
    assert json.loads(canonical_json(value)) == value
    assert canonical_json(parse_json(text)) == canonical_json(parse_json(canonical_json(value)))
    assert find_json(f"Here:\n```json\n{text}\n```\nThat is it.") == value
    if isinstance(value, dict | list):
        assert json_values(f"Here, {{see}}: {text}, that is it [sic].") == [value]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_equal_numbers_are_written_alike(number: float) -> None:
    digits = canonical_json(parse_json(repr(number)))
    assert float(digits) == number
    if abs(number) <= 2**53 and number == math.floor(number):
        assert digits == str(int(number))


@given(st.text('{}[]":,`\n jsona1\\ue-.', max_size=60))
def test_any_text_can_be_searched(text: str) -> None:
    JsonPath("$.a").answer(text)
    json_path_misses("json:$.a", [Message(text)])


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"a":' + "9" * 1_000_000 + "}",
        '{"a":-' + "9" * 1_000_000 + "}",
        '{"a":1e' + "9" * 1_000_000 + "}",
        "```json\n" * 100_000,
        '{"a":[1,' * 100_000,
        '{"' * 500_000,
        '{"\\"' * 250_000,
        '["[",' * 200_000,
        "``` " + " " * 1_000_000 + "x y",
    ],
)
def test_json_without_measure_is_none(text: str) -> None:
    assert JsonPath("$.a").answer(text) is None
    assert JsonPath("$").answer(text) is None
    assert json_path_misses("json:$.b", [Message(text)]) is None


def test_json_as_deep_as_can_be_read_does_not_fail_when_written() -> None:
    for depth in range(850, 1000):
        answer = JsonPath("$.a").answer('{"a":' + "[" * depth + "]" * depth + "}")
        assert answer in (None, "[" * depth + "]" * depth)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "'' is no JSON path of RFC 9535"),
        ("a.b", "'a.b' is no JSON path of RFC 9535 (expected '$'"),
        ("$.", "is no JSON path of RFC 9535"),
        ("$[99999999999999999999]", "is no JSON path of RFC 9535 (index out of range"),
        ("$['\ud800", r"\ud800"),
        ("$[?nothing(@.a)]", "is no JSON path"),
        ("$..a", "'$..a' can name several values: use names and indices only"),
        ("$.*", "can name several values"),
        ("$[0, 1]", "can name several values"),
        ("$[0:1]", "can name several values"),
        ("$[?match(@.a, '(a+)+b')]", "can name several values"),
        ("$" + ".a" * 65, "has 65 steps; 64 is the limit"),
        ("$." + "a" * 1000, "has 1002 characters; 1000 is the limit"),
        ("$[" + "9" * 990 + "]", "index out of range"),
    ],
)
def test_a_path_that_names_not_one_value_is_refused(path: str, reason: str) -> None:
    with pytest.raises(RequestError, match=re.escape(reason)) as refusal:
        JsonPath(path)
    assert refusal.value.param == "selection.answer"
    str(refusal.value).encode()


def test_a_path_that_is_nested_beyond_pythons_stack_is_refused() -> None:
    def compile_below(frames: int) -> None:
        if frames:
            compile_below(frames - 1)
        else:
            JsonPath("$[?" + "!" * 900 + "@.a]")

    with pytest.raises(RequestError, match="is no JSON path"):
        compile_below(200)


@given(st.text("$.[]'\"?@!()<&|*,:\\ua0 -"))
def test_any_path_is_understood_or_refused(path: str) -> None:
    with suppress(RequestError):
        JsonPath("$" + path).answer('{"a": [1]}')


def test_the_longest_path_finds_its_value() -> None:
    text = "1"
    for _ in range(64):
        text = f'{{"a":{text}}}'
    assert JsonPath("$" + ".a" * 64).answer(text) == "1"


# --- a path that matches in no sample ---


def misses(spec: str, *texts: str) -> str | None:
    return json_path_misses(spec, [Message(text) for text in texts])


def test_a_path_that_is_in_no_sample_is_told_with_the_keys_that_are() -> None:
    told = misses("json:$.reslut", '{"steps": 1, "result": 2}', '```json\n{"result": 3}\n```')
    assert told == (
        "selection.answer: the JSON path '$.reslut' matches nothing in the samples (2, all of them "
        "JSON): their top-level keys are 'result', 'steps'"
    )
    assert "none is an object with keys" in str(misses("json:$.a", "[1]", "5"))


def test_many_and_long_keys_do_not_make_the_message_long() -> None:
    told = misses("json:$.b", json.dumps({f"{i:02}" + "k" * 1000: 0 for i in range(1000)}))
    assert told is not None
    assert "'00kk" in told
    assert len(told) < 1200
    told = misses("json:$.b", '{"\\ud800": 1}')
    assert told is not None
    told.encode()


@pytest.mark.parametrize(
    ("spec", "texts"),
    [
        ("json:$.a", ()),
        ("json:$.a", ("no JSON",)),
        ("json:$.a", ('{"b": 1}', "no JSON")),
        ("json:$.a", ('{"b": 1}', '{"a": null}')),
        ("text", ('{"b": 1}',)),
        ("regex:json:$.a", ('{"b": 1}',)),
    ],
)
def test_a_path_is_not_to_blame_otherwise(spec: str, texts: tuple[str, ...]) -> None:
    assert misses(spec, *texts) is None
