"""Takes the message off an armed request's outputs again.

What leaves here is what plain vLLM would have returned: tokens, text, log-probabilities, finish
and stop reason. One `Completion` follows one sample from its first token to its last.
"""

from dataclasses import dataclass, field, replace

from vllm.logprobs import SampleLogprobs
from vllm.outputs import CompletionOutput
from vllm.sampling_params import SamplingParams
from vllm.tokenizers import TokenizerLike

from laserve.core.types import Status
from laserve.scoring.detokenize import new_detokenizer


@dataclass(frozen=True, slots=True)
class Answer:
    """What the outputs of one request have in common."""

    params: SamplingParams
    """As the user gave them."""
    is_delta: bool
    """Whether each output holds what is new alone."""
    armed: bool
    """Whether the engine appends a message. If not, outputs pass through unchanged."""
    prompt_token_ids: list[int] | None
    tokenizer: TokenizerLike | None
    primary_eos: int | None
    """The tokenizer's EOS: stops without a stop reason. Others stop with their id as reason."""
    eos_token_ids: frozenset[int]
    token_limit: int

    def text(self, tokens: list[int], *, stopped: bool) -> str:
        """Text of the finished answer, by vLLM's own detokenizer."""
        detokenizer = new_detokenizer(self.params, self.prompt_token_ids, self.tokenizer)
        detokenizer.update(list(tokens), stop_terminated=stopped)
        return detokenizer.get_next_output_text(finished=True, delta=False)


@dataclass(slots=True)
class Completion:
    """One sample of a request."""

    answer: Answer
    tokens: list[int] = field(default_factory=list)
    """Everything the engine generated so far, the message included."""
    end: int | None = None
    """Length of the answer, once it is known: up to its EOS, or its token limit."""
    ended_by_eos: bool = False
    aborted: bool = False
    _held: bool = False
    _sent_tokens: int = 0
    _sent_text: int = 0
    _logprobs: SampleLogprobs | None = None

    def passes(self, output: CompletionOutput) -> bool:
        """Note an output. Whether it is a part of the answer that goes on, and leaves as it is."""
        answer = self.answer
        new = output.token_ids if answer.is_delta else output.token_ids[len(self.tokens) :]
        self.tokens.extend(new)
        if answer.armed:
            if output.logprobs is not None:
                self._keep_logprobs(output.logprobs)
            if (
                self.end is not None
                or len(self.tokens) >= answer.token_limit
                or not answer.eos_token_ids.isdisjoint(new)
            ):
                return False
        if output.finish_reason is not None:
            return False
        self._sent_tokens = len(self.tokens)
        self._sent_text += len(output.text)
        return True

    def settled(self, output: CompletionOutput) -> CompletionOutput | None:
        """The noted output that did not pass, as plain vLLM would have given it; None while the
        message is under way."""
        self.aborted = output.finish_reason == "abort"
        if not self.answer.armed:
            return output
        self._find_end()
        if self.end is None or self._finished_by_itself(output):
            return output
        self._held = True
        return self._final(output) if output.finished() else None

    @property
    def answer_tokens(self) -> list[int]:
        """The answer, its EOS included."""
        return self.tokens[: self.end]

    @property
    def message(self) -> list[int]:
        """The tokens after the answer."""
        return [] if self.end is None else self.tokens[self.end :]

    def _finished_by_itself(self, output: CompletionOutput) -> bool:
        """Whether the engine finished at the token limit, and not by our z_c: plain vLLM checks
        stop tokens before the limit."""
        unarmed = not self.ended_by_eos and not self._held
        return unarmed and output.finished() and len(self.tokens) == self.end

    def _find_end(self) -> None:
        if self.end is not None:
            return
        # What has been sent holds none.
        for index in range(self._sent_tokens, min(len(self.tokens), self.answer.token_limit)):
            if self.tokens[index] in self.answer.eos_token_ids:
                self.end, self.ended_by_eos = index + 1, True
                return
        if len(self.tokens) >= self.answer.token_limit:
            self.end = self.answer.token_limit

    def _keep_logprobs(self, logprobs: SampleLogprobs) -> None:
        if self.answer.is_delta and self._logprobs is not None:
            self._logprobs.extend(logprobs)  # type: ignore[arg-type]
        else:
            self._logprobs = logprobs

    def _final(self, output: CompletionOutput) -> CompletionOutput:
        assert self.end is not None
        delta = self.answer.is_delta
        tokens = self.tokens[: self.end]
        text = self.answer.text(tokens, stopped=self.ended_by_eos)
        logprobs, cumulative = self._final_logprobs()
        eos = tokens[-1]
        by_secondary_eos = self.ended_by_eos and eos != self.answer.primary_eos
        return replace(
            output,
            text=text[self._sent_text :] if delta else text,
            token_ids=tokens[self._sent_tokens :] if delta else tokens,
            logprobs=logprobs[self._sent_tokens :] if delta and logprobs is not None else logprobs,
            cumulative_logprob=cumulative,
            finish_reason="stop" if self.ended_by_eos else "length",
            stop_reason=eos if by_secondary_eos else None,
            weight_versions=output.weight_versions
            and [
                replace(span, end=min(span.end, self.end))
                for span in output.weight_versions
                if span.start < self.end
            ],
        )

    def _final_logprobs(self) -> tuple[SampleLogprobs | None, float | None]:
        if self._logprobs is None:
            return None, None
        kept = self._logprobs[: self.end]
        total = 0.0
        for token, position in zip(self.tokens, kept, strict=False):
            assert position is not None
            total += position[token].logprob
        return kept, total


def unscored_status(output: CompletionOutput, eos_token_ids: frozenset[int]) -> Status | None:
    """Why a finished completion has no score; None where it ended with its EOS."""
    if output.finish_reason == "length":
        return Status.TRUNCATED
    if output.finish_reason == "repetition":
        return Status.REPETITION
    if output.finish_reason != "stop":
        return Status.ABORTED
    if isinstance(output.stop_reason, str):
        return Status.STOP_STRING
    if output.stop_reason is not None and output.stop_reason not in eos_token_ids:
        return Status.STOP_TOKEN
    return None
