"""Which tokens end a completion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vllm import SamplingParams

from laserve.core.eos import EosTokens, join_eos_tokens, up_to_eos

IDS = st.integers(0, 9)
CONFIGURED = st.none() | IDS | st.lists(IDS, max_size=4)


@pytest.mark.parametrize(
    ("own", "configured", "primary", "every"),
    [
        (7, None, 7, {7}),
        (7, 7, 7, {7}),
        (7, [3, 5], 7, {3, 5, 7}),
        (0, 3, 0, {0, 3}),
        (None, 3, 3, {3}),
        (None, [5, 3], 5, {3, 5}),
    ],
)
def test_the_tokenizers_own_comes_first_and_those_of_the_settings_count_as_well(
    own: int | None, configured: int | list[int] | None, primary: int, every: set[int]
) -> None:
    assert join_eos_tokens(own, configured) == EosTokens(primary, frozenset(every))


@pytest.mark.parametrize("configured", [None, [], [None]])
def test_where_neither_states_one_there_is_none(configured: list[int | None] | None) -> None:
    assert join_eos_tokens(None, configured) is None


@given(IDS, CONFIGURED)
def test_they_are_those_that_vllm_stops_at(own: int, configured: int | list[int] | None) -> None:
    params = SamplingParams()
    params.update_from_generation_config({"eos_token_id": configured}, own)
    eos = join_eos_tokens(own, configured)
    assert eos is not None
    assert eos.every == params.all_stop_token_ids


@given(st.lists(IDS), st.frozensets(IDS, max_size=3))
def test_up_to_the_first_eos(tokens: list[int], eos: frozenset[int]) -> None:
    kept = up_to_eos(tokens, eos)
    assert tokens[: len(kept)] == kept
    assert not eos.intersection(kept[:-1])
    assert len(kept) == len(tokens) or kept[-1] in eos
