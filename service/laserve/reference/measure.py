"""log pi_ref(z_c | x, y) by Hugging Face forward passes: the measurement behind c_ref.

c_ref is its mean over completions that end with their EOS (arXiv 2510.14943).
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from pydantic import JsonValue
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.eos import EosTokens, up_to_eos
from laserve.core.manifest import ReferenceConstant
from laserve.core.probes import GoldenProbe
from laserve.core.score import DEFAULT_THRESHOLD, ScoreParameters
from laserve.core.tokens import check_scoring_token
from laserve.errors import ConfigurationError, DataError
from laserve.reference.encode import EncodedRow, context_of, encode_rows, find_eos_tokens
from laserve.reference.own_settings import without_own_settings
from laserve.reference.probe import measure_probe
from laserve.reference.rows import Row

MAX_NEW_TOKENS = 512
"""Of a completion that the model writes itself, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class ReferenceMeasurement:
    """What a reference model gives z_c after each completion."""

    completions: tuple[GoldenProbe, ...]
    """Each measured completion with its log pi_ref(z_c | x, y), in the order of the rows."""
    dropped: int
    """Completions that the model wrote without reaching an EOS; they are not measured."""
    max_new_tokens: int
    """Within which the model was to reach an EOS."""
    z_c: int
    z_c_token: str
    """Text of z_c."""
    eos_token_ids: frozenset[int]

    @property
    def logprobs(self) -> tuple[float, ...]:
        """log pi_ref(z_c | x, y) of each completion, nats."""
        return tuple(completion.logprob for completion in self.completions)

    @property
    def c_ref(self) -> ReferenceConstant:
        """Mean, sample standard deviation (0 for one completion) and count. Raises DataError where
        no completion was measured."""
        if not self.completions:
            raise DataError(
                f"none of {self.dropped} completions reached an EOS within {self.max_new_tokens} "
                "tokens: let them be longer (--max-new-tokens; laser.max_completion_length in a "
                "configuration of training), or give completions"
            )
        return ReferenceConstant(
            mean=statistics.fmean(self.logprobs),
            std=statistics.stdev(self.logprobs) if len(self.logprobs) > 1 else 0.0,
            count=len(self.logprobs),
        )

    def parameters(self, checkpoint: str, beta_v: float) -> ScoreParameters:
        """The score's constants with this c_ref, for answers of `checkpoint` (its name)."""
        return ScoreParameters(
            z_c=self.z_c,
            eos_token_ids=self.eos_token_ids,
            c_ref=self.c_ref.mean,
            beta_v=beta_v,
            threshold=DEFAULT_THRESHOLD,
            checkpoint=checkpoint,
        )


def measure_reference(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Mapping[str, Row],
    *,
    z_c: int,
    max_new_tokens: int | None = None,
    limit: str = "--max-new-tokens",
    batch_size: int = 8,
    seed: int = 0,
    chat_template_kwargs: Mapping[str, JsonValue] | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> ReferenceMeasurement:
    """Measure log pi_ref(z_c | x, y) over `rows` (by where each stands, for messages).

    A given completion gets the tokenizer's EOS as its end. A missing one is sampled at temperature
    1, `batch_size` rows at a time, and dropped where it has no EOS within `max_new_tokens`: by
    default `MAX_NEW_TOKENS`, or what the context leaves beside the longest prompt. `limit` is what
    sets it, for messages.
    `on_progress` is told how many rows were finished. The model is put into evaluation mode.

    Raises ConfigurationError for a z_c of no use, DataError for a row of no use.
    """
    eos = find_eos_tokens(model, tokenizer)
    z_c_token = check_scoring_token(tokenizer, z_c, eos.every)
    width = model.get_output_embeddings().weight.shape[0]
    if z_c >= width:
        raise ConfigurationError(
            f"z_c={z_c} ({z_c_token!r}) has no row in the model's output layer, which has {width}: "
            "resize the model to its tokenizer"
        )
    encoded = encode_rows(
        rows,
        model,
        tokenizer,
        z_c=z_c,
        eos=eos,
        max_new_tokens=max_new_tokens or 1,
        limit=limit,
        chat_template_kwargs=chat_template_kwargs,
    )
    if max_new_tokens is None:
        longest = max(len(row.prompt) for row in encoded)
        max_new_tokens = int(min(MAX_NEW_TOKENS, context_of(model) - longest))
    model.eval()
    completions: list[GoldenProbe] = []
    with torch.inference_mode(), torch.random.fork_rng():
        torch.manual_seed(seed)
        for start in range(0, len(encoded), batch_size):
            batch = encoded[start : start + batch_size]
            for row, solution in zip(
                batch, _complete(model, batch, z_c, eos, max_new_tokens), strict=True
            ):
                if solution is not None:
                    completions.append(measure_probe(model, row.where, row.prompt, solution, z_c))
            if on_progress is not None:
                on_progress(len(batch))
    return ReferenceMeasurement(
        completions=tuple(completions),
        dropped=len(encoded) - len(completions),
        max_new_tokens=max_new_tokens,
        z_c=z_c,
        z_c_token=z_c_token,
        eos_token_ids=eos.every,
    )


def _complete(
    model: PreTrainedModel,
    batch: Sequence[EncodedRow],
    z_c: int,
    eos: EosTokens,
    max_new_tokens: int,
) -> list[list[int] | None]:
    """The completion of each row, given or sampled, up to its EOS; None where it has no EOS."""
    completions = [row.completion for row in batch]
    missing = [index for index, completion in enumerate(completions) if completion is None]
    if missing:
        prompts = [batch[index].prompt for index in missing]
        for index, tokens in zip(
            missing, _sample(model, prompts, z_c, eos, max_new_tokens), strict=True
        ):
            solution = up_to_eos(tokens, eos.every)
            completions[index] = solution if solution[-1] in eos.every else None
    return completions


def _sample(
    model: PreTrainedModel,
    prompts: Sequence[list[int]],
    z_c: int,
    eos: EosTokens,
    max_new_tokens: int,
) -> list[list[int]]:
    """What the model writes after each prompt at temperature 1, z_c barred as it is in serving."""
    width = max(map(len, prompts))
    input_ids = torch.tensor([[eos.primary] * (width - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    settings = GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_k=0,
        suppress_tokens=[z_c],
        max_new_tokens=max_new_tokens,
        eos_token_id=sorted(eos.every),
        pad_token_id=eos.primary,
    )
    # The class of models that generate declares it; transformers has no typed base for them.
    generate = cast(Callable[..., torch.Tensor], model.generate)
    with without_own_settings(model):
        output = generate(
            input_ids.to(model.device),
            attention_mask=mask.to(model.device),
            generation_config=settings,
            # Under DeepSpeed's ZeRO-3 it would wait for processes that do not generate.
            synced_gpus=False,
        )
    return [[int(token) for token in row[width:]] for row in output]
