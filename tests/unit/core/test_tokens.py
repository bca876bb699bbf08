"""Which token can be z_c."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from laserve.core.tokens import (
    check_scoring_token,
    find_token,
    missing_scoring_token,
    scoring_candidates,
)
from laserve.errors import ConfigurationError


@dataclass(frozen=True)
class Added:
    content: str
    special: bool = True


@dataclass(frozen=True)
class FakeTokenizer:
    """Ordinary tokens 0 to 9 (the digits), then the added ones."""

    added: tuple[Added, ...]
    special_tokens_map: Mapping[str, str] = field(default_factory=dict)
    chat_template: str | None = None

    @property
    def added_tokens_decoder(self) -> Mapping[int, Added]:
        return dict(enumerate(self.added, start=10))

    def get_vocab(self) -> dict[str, int]:
        ordinary = {str(digit): digit for digit in range(10)}
        return ordinary | {token.content: i for i, token in self.added_tokens_decoder.items()}


TOKENIZER = FakeTokenizer(
    added=(Added("<eos>"), Added("<turn>"), Added("<pad>"), Added("<think>", False), Added("<z>")),
    special_tokens_map={"eos_token": "<eos>", "pad_token": "<pad>"},
    chat_template="<turn>{{ messages }}",
)


def test_candidates_are_special_tokens_without_a_use() -> None:
    assert scoring_candidates(TOKENIZER, {10}) == {"<z>": 14}
    assert scoring_candidates(TOKENIZER, {10, 14}) == {}


@pytest.mark.parametrize(("token", "token_id"), [("<z>", 14), ("14", 14), ("3", 3), ("99", 99)])
def test_a_token_is_found_by_its_text_or_id(token: str, token_id: int) -> None:
    assert find_token(TOKENIZER, token) == token_id


@pytest.mark.parametrize("token", ["<zz>", "", "-1", "1.5"])
def test_what_is_not_one_token_is_refused_with_the_candidates(token: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not one token.*<z> \(14\)"):
        find_token(TOKENIZER, token)


def test_a_token_of_use_is_accepted_with_its_text() -> None:
    assert check_scoring_token(TOKENIZER, 14, {10}) == "<z>"
    assert check_scoring_token(TOKENIZER, 14, {10}, text="<z>") == "<z>"


@pytest.mark.parametrize(
    ("z_c", "text", "message"),
    [
        (3, None, "ordinary token, which the tokenizer can produce from text"),
        (13, None, "ordinary token"),  # <think>: added, and models write it
        (10, None, "is an EOS token"),
        (15, None, "is no token of this tokenizer"),
        (-1, None, "is no token of this tokenizer"),
        (14, "<vision>", "is '<z>' in this tokenizer and should be '<vision>'"),
    ],
)
def test_a_token_of_no_use_is_refused(z_c: int, text: str | None, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check_scoring_token(TOKENIZER, z_c, {10}, text)


def test_few_of_many_candidates_are_listed() -> None:
    many = FakeTokenizer(added=tuple(Added(f"<reserved_{i}>") for i in range(248)))
    message = str(missing_scoring_token(many))
    assert "<reserved_0> (10), <reserved_1> (11)" in message
    assert message.endswith("and 236 more")


def test_a_tokenizer_without_candidates_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="no unused special token: add one"):
        find_token(FakeTokenizer(added=()), "<z>")
