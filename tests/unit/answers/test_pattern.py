"""`regex:PATTERN`."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.answers.pattern import MAX_PATTERN_CHARS, Pattern
from laserve.errors import RequestError


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        (r"[0-9]+", "12 345.", "345"),
        (r"is (\d+)", "it is 5, no, it is 6 or 7", "6"),
        (r"<answer>(.*?)</answer>", "<answer>1</answer> no <answer>2</answer>", "2"),
        (r"(\d)(\w)", "1a2b", "2"),
        (r"(?i)ANSWER: (.*)", "answer: 1\nAnswer: two words\n", "two words"),
        (r"(?P<name>é+)", "aééb", "éé"),
        (r"\d*", "so 42.", "42"),
        (r"x*", "aaa", None),
        (r"answer:(.*)", "answer:5\nanswer:", "5"),
        (r"(x)|y", "x y", "x"),
        (r"nothing", "something", None),
        (r".", "a\ud800", "\ufffd"),
        (r"\C", "é", "\ufffd"),
    ],
)
def test_the_last_match_that_is_not_empty_is_the_answer(
    pattern: str, text: str, answer: str | None
) -> None:
    assert Pattern(pattern).last(text) == answer


@given(
    st.sampled_from([r"\d+", r"a.*?b", r"(?:ab|a)c?", r"a(b*)", r"[^ab]", r"a{1,2}", r"^a|b$"]),
    st.text("abc1 "),
)
def test_the_last_match_is_that_of_pythons_re(pattern: str, text: str) -> None:
    found = [match for match in re.findall(pattern, text) if match]
    assert Pattern(pattern).last(text) == (found[-1] if found else None)


PIECES = [*"abé.*+?|()^$x", "(?:", "[ab]", "{2}", r"\b", r"\B", r"\C", r"\z"]


@given(st.lists(st.sampled_from(PIECES)))
def test_a_pattern_is_refused_or_can_search_any_text(parts: list[str]) -> None:
    try:
        pattern = Pattern("".join(parts))
    except RequestError:
        return
    for text in ("", "aébx語", "\ud800\x00\n"):
        pattern.last(text)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "has no pattern: write one"),
        ("(", "'(' cannot be used: missing ): (. The syntax is RE2's"),
        ("(?=a)b", "RE2's: no lookaround, no backreferences"),
        (r"(a)\1", "RE2's: no lookaround, no backreferences"),
        ("a{1001}", "no repetition of more than 1000"),
        (r"[\pL\d]{1,900}", "pattern too large"),
        ("a" * (MAX_PATTERN_CHARS + 1), "has 1001 characters; 1000 is the limit"),
        ("(a)" * 17, "has 17 groups; 16 is the limit"),
        ("a\ud800", r"'a\ud800' holds a lone surrogate"),
    ],
)
def test_what_re2_cannot_do_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    with pytest.raises(RequestError, match=re.escape(reason)) as refusal:
        Pattern(pattern)
    assert refusal.value.param == "selection.answer"
    str(refusal.value).encode()


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 1_000_000 + "b"),
        ("((a*)*)*b", "a" * 1_000_000),
        ("(.*)(.*)(.*)(.*)x", "a" * 100_000),
        # Each of a million matches needs the rest of the text.
        ("a.*z|a", "a" * 1_000_000),
        ("[ab]*a[ab]{500}z|a", "ab" * 20_000),
    ],
)
def test_a_pattern_that_would_take_for_ever_gives_no_answer(pattern: str, text: str) -> None:
    assert Pattern(pattern).last(text) is None
