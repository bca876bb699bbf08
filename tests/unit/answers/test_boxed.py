r"""What stands in `\boxed{...}`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.answers.boxed import boxes, last_boxed


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (r"\boxed{5}", "5"),
        (r"\boxed {5}", "5"),
        # Without braces
        (r"\boxed 5", "5"),
        (r"so (\boxed 5).", "5"),
        (r"**$\boxed5$**", "5"),
        (r"\boxed -1,234.", "-1,234"),
        (r"$\boxed 2\pi$", r"2\pi"),
        (r"\boxed \frac{\sqrt{2}}{2} or so", r"\frac{\sqrt{2}}{2}"),
        (r"\(\boxed\frac12\)", r"\frac12"),
        (r"\boxed \text{(C)}", r"\text{(C)}"),
        (r"\boxed \$5", r"\$5"),
        (r"\boxed x", "x"),
        (r"{\boxed 5}", "5"),
        (r"\boxed{6} and \boxed 5", "5"),
        (r"\boxed 5 and \boxed{6}", "6"),
        (r"\boxed{5}, as \boxed says", "5"),
        (r"in \boxed format", None),
        (r"in \boxed", None),
        (r"\boxedx 5", None),
        # With nothing in it
        (r"\boxed{}", None),
        (r"\boxed{ \text{} }", None),
        (r"\boxed{\boxed{}}", None),
        (r"\boxed{5} \boxed{}", "5"),
        (r"\boxed{5}, put into \boxed{\ }", "5"),
        (r"\boxed{\{\}}", r"\{\}"),
        (r"\boxed{\emptyset}", r"\emptyset"),
        (r"first \boxed{5}, then \boxed{6}.", "6"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\left\{ x \right.}", r"\left\{ x \right."),
        (r"\boxed{\boxed{5}}", "5"),
        (r"\boxed{5} and \boxed{6", "5"),
        (r"\boxed{5 and \boxed{6}", "6"),
        (r"} \boxed{5}", "5"),
        ("{ \\boxed{a\nb}", "a\nb"),
        (r"\\boxed{5}", None),  # a line break, then text
        (r"boxed{5}", None),
        (r"\boxed{5", None),
        (r"\fbox{5}", None),
        ("", None),
    ],
)
def test_the_last_balanced_box_is_found(text: str, content: str | None) -> None:
    assert last_boxed(text) == content


BALANCED = st.recursive(
    st.text("ab \\$", max_size=3).map(lambda text: text.replace("\\", "\\,")),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: "{" + "".join(parts) + "}"),
)


@given(st.lists(st.tuples(st.text("xy }\n"), BALANCED), min_size=1))
def test_whatever_is_balanced_comes_out_of_its_box(parts: list[tuple[str, str]]) -> None:
    text = "".join(f"{before}\\boxed{{{content}}}" for before, content in parts)
    found = boxes(text)
    contents = [text[box.content_start : box.content_end] for box in found]
    assert contents == [content for _, content in parts]
    assert all(text.startswith(r"\boxed{", box.start) for box in found)


@given(st.text("\\boxed{} "))
def test_any_text_can_be_searched(text: str) -> None:
    last = last_boxed(text)
    assert last is None or f"{{{last}}}" in text


def test_boxes_that_are_never_closed_do_not_slow_the_search() -> None:
    assert last_boxed("\\boxed{" * 200_000) is None
    assert last_boxed("\\boxed \\a{" * 100_000) == "\\a"
    assert last_boxed("\\boxed " * 100_000 + "{" * 100_000) is None


def test_boxes_inside_boxes_take_no_more_memory_than_the_text() -> None:
    depth = 100_000
    assert last_boxed("\\boxed{" * depth + "5" + "}" * depth) == "5"
    assert last_boxed("\\boxed{" * depth + "}" * depth) is None
