"""Rivals of the self-reward score: other confidences in the same samples.

Each is computed by Hugging Face forward passes from the raw distribution: no temperature, no mask,
log-softmax in float32. Higher means more confident. P problems, N samples each, V tokens in the
vocabulary.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import JsonValue
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.types import Status
from laserve.errors import ConfigurationError
from laserve.reference.encode import encode_prompt
from laserve_training.evaluation.samples import Bools, Floats, SampledProblem
from laserve_training.problem import Problem
from laserve_training.shared_prefix import can_share, read_prefix, shared_length

DEFINITIONS = {
    "mean_logprob": "mean log-probability of the completion's tokens, its EOS included",
    "deepconf_tail": "DeepConf tail confidence (arXiv 2508.15260): token confidence, minus the "
    "mean of the top-k log-probabilities at its place, averaged over the last `tail_tokens` tokens",
    "deepconf_lowest_group": "DeepConf lowest group confidence (arXiv 2508.15260): the lowest mean "
    "token confidence of any `group_tokens` successive tokens",
    "self_certainty": "self-certainty (arXiv 2502.18581): mean over tokens of KL(uniform || p)",
    "negative_entropy": "minus the mean entropy of the next-token distribution",
    "length": "minus the number of tokens: sees nothing but the length",
    "untrained_score": "log-probability of z_c after the EOS under the base model: the score "
    "before any training",
    "self_judgement": "log p(Yes) - log p(No) of the evaluated model, shown question and answer "
    "and asked whether the answer is correct",
}
"""What each rival is, by its name."""

JUDGEMENT_PROMPT = (
    "Question:\n{question}\n\nProposed answer:\n{answer}\n\n"
    "Is the proposed answer correct? Reply with Yes or No only."
)
"""The one user message of a self-judgement."""

_MAX_LOGITS = 2**28
"""Logits that a batch may have, where more than one sequence is in it: 1 GiB in float32."""
_POSITIONS = 256
"""Positions whose float32 log-softmax over the vocabulary is held at once."""


@dataclass(frozen=True, slots=True)
class ConfidenceSettings:
    """Constants of the rivals' definitions. Where a completion is shorter than `tail_tokens` or
    `group_tokens`, all of it is taken: on short answers both DeepConf figures are the mean token
    confidence."""

    top_k: int = 20
    """Log-probabilities in a token confidence; all where the vocabulary is smaller."""
    tail_tokens: int = 2048
    group_tokens: int = 2048
    batch_size: int = 16
    """Sequences to a forward pass at most."""


@dataclass(frozen=True, slots=True)
class Rivals:
    """Confidences by name; DEFINITIONS says what they are."""

    values: dict[str, Floats]
    """(P, N); NaN where a sample has none."""
    missing: dict[str, str]
    """The rivals that could not be computed at all, and why."""
    settings: ConfidenceSettings


def measure_rivals(
    problems: Sequence[SampledProblem],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    z_c: int,
    chat_template_kwargs: Mapping[str, JsonValue] | None = None,
    base_model: PreTrainedModel | None = None,
    self_judgement: bool = True,
    settings: ConfidenceSettings | None = None,
) -> Rivals:
    """Every rival, `self_judgement` only where it is asked for, on the samples of `problems`, for
    the evaluated `model` and its tokenizer, which renders prompts with `chat_template_kwargs`.

    The models are put into evaluation mode. Raises ConfigurationError where the base model has no
    output for z_c, DataError where the chat template refuses a self-judgement.
    """
    settings = settings or ConfidenceSettings()
    values = token_confidences(problems, model, settings)
    missing = {}
    if base_model is None:
        missing["untrained_score"] = "no base model was given"
    else:
        values["untrained_score"] = untrained_scores(problems, base_model, z_c, settings)
    answers = judgement_tokens(tokenizer)
    if not self_judgement:
        missing["self_judgement"] = "evaluate.self_judgement is off"
    elif isinstance(answers, str):
        missing["self_judgement"] = answers
    else:
        values["self_judgement"] = self_judgements(
            problems, model, tokenizer, answers, settings, chat_template_kwargs
        )
    return Rivals(values, missing, settings)


def token_confidences(
    problems: Sequence[SampledProblem], model: PreTrainedModel, settings: ConfidenceSettings
) -> dict[str, Floats]:
    """The rivals that are read from the completion's own tokens, one forward pass for all of them.
    NaN for a completion without a token."""
    sequences = _solutions(problems)
    names = (
        "mean_logprob",
        "deepconf_tail",
        "deepconf_lowest_group",
        "self_certainty",
        "negative_entropy",
        "length",
    )
    values = {name: np.full(len(sequences), np.nan) for name in names}
    for index, logits in _logits(model, sequences, settings.batch_size):
        completion = sequences[index].completion
        if not completion:
            continue
        tokens = _token_statistics(logits[:-1], completion, settings.top_k)
        values["mean_logprob"][index] = tokens.logprobs_C.mean()
        values["deepconf_tail"][index] = tokens.confidences_C[-settings.tail_tokens :].mean()
        values["deepconf_lowest_group"][index] = _lowest_group(
            tokens.confidences_C, settings.group_tokens
        )
        values["self_certainty"][index] = tokens.certainties_C.mean()
        values["negative_entropy"][index] = -tokens.entropies_C.mean()
        values["length"][index] = -len(completion)
    return {name: _by_problem(array, problems) for name, array in values.items()}


def untrained_scores(
    problems: Sequence[SampledProblem],
    base_model: PreTrainedModel,
    z_c: int,
    settings: ConfidenceSettings,
) -> Floats:
    """(P, N) log pi_base(z_c | x, y), nats: the score up to its scale and constant, which change no
    order. NaN where the sample has no score, or a token that the base model has no row for, as one
    from scratch has none for what is not of its task's alphabet."""
    width = _vocabulary_size(base_model)
    if z_c >= width:
        raise ConfigurationError(
            f"z_c={z_c} has no row in the base model's output layer, which has {width}: give the "
            "base model that the checkpoint was trained from"
        )
    rewards = [sample.reward for problem in problems for sample in problem.samples]
    every = _solutions(problems)
    scored = [
        i
        for i, reward in enumerate(rewards)
        if reward.status is Status.SCORED and max(every[i].prompt + every[i].completion) < width
    ]
    values = np.full(len(every), np.nan)
    sequences = [every[i] for i in scored]
    for index, logits in _logits(base_model, sequences, settings.batch_size):
        values[scored[index]] = float(logits[-1].float().log_softmax(-1)[z_c])
    return _by_problem(values, problems)


@dataclass(frozen=True, slots=True)
class JudgementTokens:
    """The tokens that answer a self-judgement."""

    yes: int
    no: int


def judgement_tokens(tokenizer: PreTrainedTokenizerBase) -> JudgementTokens | str:
    """The tokens "Yes" and "No", or why a tokenizer cannot ask for them."""
    if tokenizer.chat_template is None:
        return "the tokenizer has no chat template to ask with"
    yes = tokenizer("Yes", add_special_tokens=False).input_ids
    no = tokenizer("No", add_special_tokens=False).input_ids
    if len(yes) != 1 or len(no) != 1 or yes == no or tokenizer.unk_token_id in (*yes, *no):
        return "the tokenizer has no single tokens for Yes and No"
    return JudgementTokens(yes=yes[0], no=no[0])


def self_judgements(
    problems: Sequence[SampledProblem],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    answers: JudgementTokens,
    settings: ConfidenceSettings,
    chat_template_kwargs: Mapping[str, JsonValue] | None = None,
) -> Floats:
    """(P, N) log p(Yes) - log p(No) as the reply to JUDGEMENT_PROMPT, in a conversation of its own.
    NaN where that is longer than the model's context.

    Raises DataError where the chat template refuses it.
    """
    context = getattr(model.config.get_text_config(), "max_position_embeddings", math.inf)
    prompts = [
        _judgement_prompt(tokenizer, sampled.problem, sample.text, chat_template_kwargs)
        for sampled in problems
        for sample in sampled.samples
    ]
    fitting = [i for i, prompt in enumerate(prompts) if len(prompt) <= context]
    values = np.full(len(prompts), np.nan)
    sequences = [_Sequence(prompt=prompts[i], completion=()) for i in fitting]
    for index, logits in _logits(model, sequences, settings.batch_size):
        yes, no = logits[-1].float()[[answers.yes, answers.no]].tolist()
        values[fitting[index]] = yes - no  # the normaliser of the softmax cancels
    return _by_problem(values, problems)


def problem_only(correct_PN: Bools) -> Floats:
    """(P, N) share of correct ones among the *other* samples of the same problem; NaN for N = 1.

    The oracle of a problem's difficulty: what sees only the problem orders samples of different
    problems no better, up to the noise of N - 1 samples. Only its AUROC over all samples means
    anything. Within a problem it knows nothing, and leaving the sample itself out turns it against
    that sample: do not compute an AUROC within a problem or a best-of-N from it.
    """
    correct_P = correct_PN.sum(axis=1, keepdims=True)
    others = correct_PN.shape[1] - 1
    if others == 0:
        return np.full(correct_PN.shape, np.nan)
    shares_PN: Floats = (correct_P - correct_PN) / others
    return shares_PN


@dataclass(frozen=True, slots=True)
class _Sequence:
    """Equal ones have equal logits."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion)


@dataclass(frozen=True, slots=True)
class _TokenStatistics:
    """Of each of the C tokens of a completion."""

    logprobs_C: Floats
    confidences_C: Floats
    """DeepConf: minus the mean of the top-k log-probabilities."""
    certainties_C: Floats
    """KL(uniform || p), nats."""
    entropies_C: Floats
    """Nats."""


def _solutions(problems: Sequence[SampledProblem]) -> list[_Sequence]:
    return [
        _Sequence(sample.prompt_token_ids, sample.completion_token_ids)
        for problem in problems
        for sample in problem.samples
    ]


def _by_problem(values: Floats, problems: Sequence[SampledProblem]) -> Floats:
    return values.reshape(len(problems), -1)


def _vocabulary_size(model: PreTrainedModel) -> int:
    return int(model.get_output_embeddings().weight.shape[0])


def _logits(
    model: PreTrainedModel, sequences: Sequence[_Sequence], batch_size: int
) -> Iterator[tuple[int, Tensor]]:
    """(index, logits of shape (C + 1, V)) of each sequence, longest first: the distributions of its
    C completion tokens and of the token after them.

    Each is read once, however often it was drawn, and so is what all of a batch begin with. Padding
    is on the right, where a causal model does not see it.
    """
    model.eval()
    shares = can_share(model)
    vocabulary = _vocabulary_size(model)
    drawn: dict[_Sequence, list[int]] = {}
    for index, sequence in enumerate(sequences):
        drawn.setdefault(sequence, []).append(index)
    # Longest first: little padding, and what does not fit in memory fails at the start.
    order = sorted(drawn, key=lambda sequence: -len(sequence))
    start = 0
    while start < len(order):
        width = len(order[start])
        rows = max(1, min(batch_size, _MAX_LOGITS // (width * vocabulary)))
        batch = order[start : start + rows]
        start += rows
        # The first position that is asked for: it predicts the first token of a completion.
        first = min(len(sequence.prompt) for sequence in batch) - 1
        ids = torch.zeros(len(batch), width, dtype=torch.long)
        mask = torch.zeros(len(batch), width, dtype=torch.long)
        tokens = [(*sequence.prompt, *sequence.completion) for sequence in batch]
        for row, read in enumerate(tokens):
            ids[row, : len(read)] = torch.tensor(read)
            mask[row, : len(read)] = 1
        ids, mask = ids.to(model.device), mask.to(model.device)
        shared = shared_length(tokens, first) if shares else 0
        with torch.inference_mode():
            cache = read_prefix(model, ids[0, :shared], len(batch))[1] if shared else None
            logits = model(
                input_ids=ids[:, shared:],
                attention_mask=mask,
                past_key_values=cache,
                logits_to_keep=width - first,
                use_cache=cache is not None,
            ).logits
        for row, sequence in enumerate(batch):
            begin = len(sequence.prompt) - 1 - first
            for index in drawn[sequence]:
                yield index, logits[row, begin : begin + len(sequence.completion) + 1]


def _token_statistics(
    logits_CV: Tensor, completion: tuple[int, ...], top_k: int
) -> _TokenStatistics:
    tokens_C = torch.tensor(completion, device=logits_CV.device)
    vocabulary = logits_CV.size(1)
    parts = []
    for start in range(0, len(completion), _POSITIONS):
        chosen = tokens_C[start : start + _POSITIONS, None]
        logprobs = logits_CV[start : start + _POSITIONS].float().log_softmax(-1)
        parts.append(
            torch.stack(
                [
                    logprobs.gather(1, chosen).squeeze(1),
                    -logprobs.topk(min(top_k, vocabulary)).values.mean(-1),
                    -logprobs.mean(-1) - math.log(vocabulary),
                    torch.special.entr(logprobs.exp()).sum(-1),
                ]
            )
        )
    return _TokenStatistics(*torch.cat(parts, dim=1).double().cpu().numpy())


def _lowest_group(confidences_C: Floats, group_tokens: int) -> float:
    size = min(group_tokens, len(confidences_C))
    windows = np.lib.stride_tricks.sliding_window_view(confidences_C, size)
    return float(windows.mean(axis=1).min())


def _judgement_prompt(
    tokenizer: PreTrainedTokenizerBase,
    problem: Problem,
    answer: str,
    chat_template_kwargs: Mapping[str, JsonValue] | None,
) -> tuple[int, ...]:
    question = JUDGEMENT_PROMPT.format(question=problem.question, answer=answer)
    conversation = [{"role": "user", "content": question}]
    where = f"the self-judgement of {problem.where}"
    return tuple(encode_prompt(where, conversation, tokenizer, chat_template_kwargs))
