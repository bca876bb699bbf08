"""From given text to the token ids that generation would have had: prompt, completion, EOS.

As `laserve measure-ref` makes them (`reference/encode.py`): the completion is tokenised apart from
its prompt and without special tokens, and the tokenizer's own EOS follows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from vllm.inputs import TextPrompt, TokensPrompt
from vllm.renderers import TokenizeParams

from laserve.core.eos import join_eos_tokens
from laserve.core.score import ScoreParameters
from laserve.errors import RequestError
from laserve.scoring.post_hoc import post_hoc_length
from laserve.scoring.scored_engine import ScoredEngine


@dataclass(frozen=True, slots=True)
class CompletionTokens:
    """Token ids of completions to one prompt. Raises RequestError for one of no use.

    ``prompt_length``: tokens of the prompt. ``field``: the request's field that they come from.
    """

    engine: ScoredEngine
    parameters: ScoreParameters
    prompt_length: int
    field: str

    async def of_texts(self, texts: Sequence[str]) -> list[list[int]]:
        """Each text's tokens and an EOS, unless the text ends with one."""
        tokenizer = self.engine.renderer.get_tokenizer()
        most = self._room * tokenizer.max_chars_per_token
        for index, text in enumerate(texts):
            if len(text) > most:  # before the tokenizer spends seconds on it
                raise self._refusal(
                    index,
                    f"has {len(text)} characters, which are more than {self._room} tokens, the "
                    f"room that a prompt of {self.prompt_length} tokens leaves: shorten it",
                )
        return [
            self._checked(index, self._ended(await self._tokenised(text)))
            for index, text in enumerate(texts)
        ]

    def of_token_ids(self, completions: Sequence[list[int]]) -> list[list[int]]:
        """The token ids as they are."""
        vocab_size = self.engine.vllm_config.model_config.get_vocab_size()
        for index, tokens in enumerate(completions):
            check_vocabulary(self._name(index), tokens, vocab_size)
            if tokens[-1] not in self.parameters.eos_token_ids:
                raise self._refusal(
                    index,
                    f"must end with an EOS, one of {sorted(self.parameters.eos_token_ids)}: a "
                    "solution without its EOS has no score",
                )
        return [self._checked(index, tokens) for index, tokens in enumerate(completions)]

    @property
    def _room(self) -> int:
        """Tokens that a completion may have, its EOS included."""
        config = self.engine.vllm_config
        limit = config.model_config.max_model_len
        return int(limit - post_hoc_length(config, self.prompt_length))

    async def _tokenised(self, text: str) -> list[int]:
        whole = TokenizeParams(max_total_tokens=None, add_special_tokens=False)
        prompt = await self.engine.renderer.tokenize_prompt_async(TextPrompt(prompt=text), whole)
        return list(cast(TokensPrompt, prompt)["prompt_token_ids"])

    def _ended(self, tokens: list[int]) -> list[int]:
        ended = tokens and tokens[-1] in self.parameters.eos_token_ids
        return tokens if ended else [*tokens, primary_eos(self.engine)]

    def _checked(self, index: int, tokens: list[int]) -> list[int]:
        if len(tokens) > self._room:
            raise self._refusal(
                index,
                f"has {len(tokens)} tokens with its EOS, and a prompt of {self.prompt_length} "
                f"tokens leaves room for {self._room}: shorten one of them, it is not cut",
            )
        if self.parameters.z_c in tokens:
            raise self._refusal(
                index,
                f"contains the score token {self._spelled(self.parameters.z_c)}, which must never "
                "occur in a completion: leave it out",
            )
        early = self.parameters.eos_token_ids.intersection(tokens[:-1])
        if early:
            raise self._refusal(
                index,
                f"contains the EOS {self._spelled(min(early))} before its end: a completion ends "
                "at its first EOS, so give what stands before it",
            )
        return tokens

    def _spelled(self, token: int) -> str:
        return f"{self.engine.renderer.get_tokenizer().decode([token])!r} (id {token})"

    def _name(self, index: int) -> str:
        return f"{self.field}[{index}]"

    def _refusal(self, index: int, fault: str) -> RequestError:
        return RequestError(f"{self._name(index)} {fault}", self._name(index))


def check_vocabulary(name: str, tokens: Sequence[int], vocab_size: int) -> None:
    """Raise RequestError for a token id that the model does not have. ``name``: of the field."""
    foreign = next((token for token in tokens if not 0 <= token < vocab_size), None)
    if foreign is not None:
        raise RequestError(
            f"{name} holds {foreign}, which is no token: ids are from 0 to {vocab_size - 1}", name
        )


def primary_eos(engine: ScoredEngine) -> int:
    """The EOS that follows a given text: as `join_eos_tokens` has it, without the generation
    settings where they do not count. vLLM reads their file at each call, and the copy of a
    checkpoint that an engine was started with may be gone by then."""
    own: int | None = engine.renderer.get_eos_token_id()
    if own is not None:
        return own
    configured = engine.vllm_config.model_config.try_get_generation_config().get("eos_token_id")
    eos = join_eos_tokens(None, configured)
    assert eos is not None  # without one the engine would have been refused
    return eos.primary
