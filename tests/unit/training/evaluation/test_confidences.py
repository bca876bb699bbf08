"""The rivals of the score, against one unpadded float64 forward pass a sample."""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from pydantic import JsonValue
from transformers import AutoTokenizer, PreTrainedTokenizerBase, Qwen2ForCausalLM

from laserve.core.types import Method, SelfReward, Status
from laserve.errors import ConfigurationError
from laserve_training.evaluation import confidences
from laserve_training.evaluation.confidences import (
    DEFINITIONS,
    JUDGEMENT_PROMPT,
    ConfidenceSettings,
    JudgementTokens,
    judgement_tokens,
    measure_rivals,
    problem_only,
    self_judgements,
    token_confidences,
    untrained_scores,
)
from laserve_training.evaluation.samples import Floats, Sample, SampledProblem
from laserve_training.problem import Problem
from tests.tiny_model import TinyModel, build_tiny_model

SETTINGS = ConfidenceSettings(top_k=5, tail_tokens=4, group_tokens=3, batch_size=4)
# Two layers in float32: a relative error of some 1e-6 in logits of some tens of nats, or 1e-5 in
# a log-probability; ten times that.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Tiny:
    files: TinyModel
    model: Qwen2ForCausalLM
    reference: Qwen2ForCausalLM
    """The same in float64."""
    tokenizer: PreTrainedTokenizerBase


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    files = build_tiny_model(tmp_path_factory.mktemp("tiny"))
    return Tiny(
        files=files,
        model=Qwen2ForCausalLM.from_pretrained(files.path, dtype=torch.float32),
        reference=Qwen2ForCausalLM.from_pretrained(files.path, dtype=torch.float64).eval(),
        tokenizer=AutoTokenizer.from_pretrained(files.path),
    )


def sampled_problems(tiny: Tiny, begin: Sequence[int] = ()) -> list[SampledProblem]:
    """Three problems with prompts and completions of every length; the last sample is truncated.
    All prompts `begin` alike."""
    rng = np.random.default_rng(0)
    problems = []
    for p, prompt_length in enumerate((1, 9, 4)):
        prompt = (*begin, *rng.integers(0, 256, prompt_length).tolist())
        samples = []
        for length in rng.permutation([0, 1, 2, 6, 13]).tolist():
            completion = tuple(rng.integers(0, 256, length).tolist())
            samples.append(sample(prompt, (*completion, tiny.files.primary_eos), Status.SCORED))
        samples.append(sample(prompt, tuple(rng.integers(0, 256, 20).tolist()), Status.TRUNCATED))
        problem = Problem(
            where=f"problem {p}",
            messages=({"role": "user", "content": f"What is {p} + 1?"},),
            answer=str(p + 1),
        )
        problems.append(SampledProblem(problem, tuple(samples)))
    return problems


def sample(prompt: tuple[int, ...], completion: tuple[int, ...], status: Status) -> Sample:
    scored = status is Status.SCORED
    return Sample(
        prompt_token_ids=prompt,
        completion_token_ids=completion,
        text=f"It is {len(completion)}",
        is_correct=False,
        reward=SelfReward(
            score=0.5 if scored else None,
            logprob=-5.0 if scored else None,
            status=status,
            method=Method.IN_FLIGHT if scored else None,
            checkpoint="tiny",
        ),
    )


def reference_logprobs(tiny: Tiny, one: Sample) -> Floats:
    """(C + 1, V) log-probabilities of the tokens of a completion and of the one after."""
    tokens = [*one.prompt_token_ids, *one.completion_token_ids]
    with torch.no_grad():
        logits = tiny.reference(input_ids=torch.tensor([tokens])).logits[0]
    start = len(one.prompt_token_ids) - 1
    return np.asarray(logits.log_softmax(-1)[start:].numpy())


def token_confidence(row: Floats) -> float:
    return float(-np.sort(row)[-SETTINGS.top_k :].mean())


def lowest_group(row_confidences: list[float]) -> float:
    size = min(SETTINGS.group_tokens, len(row_confidences))
    return min(
        sum(row_confidences[i : i + size]) / size for i in range(len(row_confidences) - size + 1)
    )


REFERENCES: dict[str, Callable[[Floats, tuple[int, ...]], float]] = {
    "mean_logprob": lambda rows, ids: float(
        np.mean([r[t] for r, t in zip(rows, ids, strict=True)])
    ),
    "deepconf_tail": lambda rows, _: float(np.mean([token_confidence(r) for r in rows[-4:]])),
    "deepconf_lowest_group": lambda rows, _: lowest_group([token_confidence(r) for r in rows]),
    # KL(uniform || p) = sum of (1/V) log((1/V) / p), written out.
    "self_certainty": lambda rows, _: float(
        np.mean([sum((math.log(1 / len(r)) - x) / len(r) for x in r) for r in rows])
    ),
    "negative_entropy": lambda rows, _: float(np.mean([sum(np.exp(r) * r) for r in rows])),
    "length": lambda _, ids: -len(ids),
}


@pytest.mark.parametrize(("positions", "begin"), [(256, ()), (3, ()), (256, range(12))])
def test_token_confidences_are_those_of_single_float64_passes(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, positions: int, begin: Sequence[int]
) -> None:
    monkeypatch.setattr(confidences, "_POSITIONS", positions)
    problems = sampled_problems(tiny, begin)
    values = token_confidences(problems, tiny.model, SETTINGS)
    assert values.keys() == REFERENCES.keys()
    for name, reference in REFERENCES.items():
        expected = [
            [
                reference(reference_logprobs(tiny, one)[:-1], one.completion_token_ids)
                for one in problem.samples
            ]
            for problem in problems
        ]
        np.testing.assert_allclose(values[name], expected, atol=TOLERANCE, err_msg=name)


def test_whole_completions_count_where_they_are_shorter_than_tail_and_group(tiny: Tiny) -> None:
    values = token_confidences(sampled_problems(tiny), tiny.model, ConfidenceSettings(top_k=5))
    # The same numbers, averaged by two functions.
    np.testing.assert_allclose(values["deepconf_tail"], values["deepconf_lowest_group"], rtol=1e-12)


def test_more_top_k_than_tokens_means_all_of_them(tiny: Tiny) -> None:
    values = token_confidences(sampled_problems(tiny), tiny.model, ConfidenceSettings(top_k=10_000))
    # Then token confidence is self-certainty plus log V; sums of 384 terms in two orders.
    np.testing.assert_allclose(
        values["deepconf_tail"],
        values["self_certainty"] + math.log(tiny.files.vocab_size),
        atol=TOLERANCE,
    )


def test_a_completion_without_a_token_has_no_confidence(tiny: Tiny) -> None:
    problem = sampled_problems(tiny)[0].problem
    empty = SampledProblem(problem, (sample((1, 2), (), Status.TRUNCATED),))
    values = token_confidences([empty], tiny.model, SETTINGS)
    assert all(np.isnan(array).all() for array in values.values())


def test_batches_stay_within_their_memory(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sequence a batch where the logits of two would be too many, and the same values."""
    problems = sampled_problems(tiny)
    expected = token_confidences(problems, tiny.model, SETTINGS)
    monkeypatch.setattr(confidences, "_MAX_LOGITS", 1)
    rows = []
    hook = tiny.model.register_forward_pre_hook(
        lambda _module, _args, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    values = token_confidences(problems, tiny.model, SETTINGS)
    hook.remove()
    assert rows == [1] * 18
    for name, array in values.items():
        np.testing.assert_allclose(array, expected[name], atol=TOLERANCE, err_msg=name)


def test_untrained_score_is_the_log_probability_of_z_c_after_the_eos(tiny: Tiny) -> None:
    problems = sampled_problems(tiny)
    values = untrained_scores(problems, tiny.model, tiny.files.z_c, SETTINGS)
    expected = [
        [
            reference_logprobs(tiny, one)[-1, tiny.files.z_c]
            if one.reward.status is Status.SCORED
            else math.nan
            for one in problem.samples
        ]
        for problem in problems
    ]
    np.testing.assert_allclose(values, expected, atol=TOLERANCE)
    assert np.isnan(values[:, -1]).all()


def test_a_token_that_the_base_model_has_no_row_for_leaves_no_untrained_score(tiny: Tiny) -> None:
    base = deepcopy(tiny.model)
    width = tiny.files.z_c + 1
    base.resize_token_embeddings(width)
    (problem, *_) = sampled_problems(tiny)
    eos = tiny.files.primary_eos
    known, unknown = (sample((5,), (9, token, eos), Status.SCORED) for token in (11, width))
    sampled = SampledProblem(problem.problem, (known, unknown))
    values = untrained_scores([sampled], base, tiny.files.z_c, SETTINGS)
    assert np.isnan(values).tolist() == [[False, True]]


def test_untrained_score_needs_an_output_for_z_c(tiny: Tiny) -> None:
    with pytest.raises(ConfigurationError, match="z_c=384 has no row"):
        untrained_scores(sampled_problems(tiny), tiny.model, 384, SETTINGS)


def test_self_judgement_is_yes_over_no_as_the_first_token_of_the_reply(tiny: Tiny) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny.files.path)
    tokenizer.add_tokens(["Yes", "No"])
    answers = judgement_tokens(tokenizer)
    assert isinstance(answers, JudgementTokens)
    problems = sampled_problems(tiny)
    values = self_judgements(problems, tiny.model, tokenizer, answers, SETTINGS)
    for problem, row in zip(problems, values, strict=True):
        for one, value in zip(problem.samples, row, strict=True):
            asked = JUDGEMENT_PROMPT.format(question=problem.problem.question, answer=one.text)
            text = f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n"
            ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
            with torch.no_grad():
                logprobs = tiny.reference(input_ids=ids).logits[0, -1].log_softmax(-1)
            expected = float(logprobs[answers.yes] - logprobs[answers.no])
            assert value == pytest.approx(expected, abs=TOLERANCE)


def test_self_judgement_renders_with_the_templates_arguments(tiny: Tiny) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny.files.path)
    tokenizer.add_tokens(["Yes", "No"])
    tokenizer.chat_template = "{{ messages[0].content[:9] }}{% if deep %} deeply{% endif %}"
    answers = judgement_tokens(tokenizer)
    assert isinstance(answers, JudgementTokens)
    deep: dict[str, JsonValue] = {"deep": True}
    values = self_judgements(sampled_problems(tiny), tiny.model, tokenizer, answers, SETTINGS, deep)
    ids = tokenizer("Question: deeply", add_special_tokens=False, return_tensors="pt").input_ids
    with torch.no_grad():
        logits = tiny.reference(input_ids=ids).logits[0, -1]
    assert values[0, 0] == pytest.approx(
        float(logits[answers.yes] - logits[answers.no]), abs=TOLERANCE
    )


def test_self_judgement_beyond_the_context_is_undefined(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny.model.config, "max_position_embeddings", 16)
    answers = JudgementTokens(yes=1, no=2)
    values = self_judgements(sampled_problems(tiny), tiny.model, tiny.tokenizer, answers, SETTINGS)
    assert np.isnan(values).all()


def test_rivals_name_what_is_missing_and_why(tiny: Tiny) -> None:
    problems = sampled_problems(tiny)
    alone = measure_rivals(problems, tiny.model, tiny.tokenizer, z_c=tiny.files.z_c)
    assert alone.missing == {
        "untrained_score": "no base model was given",
        "self_judgement": "the tokenizer has no single tokens for Yes and No",
    }
    assert alone.values.keys() | alone.missing.keys() == DEFINITIONS.keys()
    based = measure_rivals(
        problems, tiny.model, tiny.tokenizer, z_c=tiny.files.z_c, base_model=tiny.model
    )
    assert based.missing.keys() == {"self_judgement"}
    without = measure_rivals(
        problems, tiny.model, tiny.tokenizer, z_c=tiny.files.z_c, self_judgement=False
    )
    assert without.missing["self_judgement"] == "evaluate.self_judgement is off"
    assert {array.shape for array in based.values.values()} == {(3, 6)}


def test_a_completion_has_the_same_figures_each_time_it_is_drawn(tiny: Tiny) -> None:
    once = sampled_problems(tiny)
    twice = [SampledProblem(one.problem, one.samples * 2) for one in once]
    expected = token_confidences(once, tiny.model, SETTINGS)
    for name, values_PN in token_confidences(twice, tiny.model, SETTINGS).items():
        np.testing.assert_array_equal(values_PN, np.tile(expected[name], (1, 2)))


def test_a_tokenizer_without_a_chat_template_cannot_ask(tiny: Tiny) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny.files.path)
    tokenizer.chat_template = None
    assert judgement_tokens(tokenizer) == "the tokenizer has no chat template to ask with"


def test_problem_only_is_the_share_of_the_other_samples() -> None:
    correct = np.array([[True, False, False], [True, True, False]])
    assert problem_only(correct).tolist() == [[0.0, 0.5, 0.5], [0.5, 0.5, 1.0]]
    assert np.isnan(problem_only(np.array([[True]]))).all()
