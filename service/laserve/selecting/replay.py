"""The winner of a selection as the outputs that vLLM would have given of it."""

from collections.abc import Iterator
from copy import copy
from dataclasses import replace

from vllm.outputs import RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.tokenizers import TokenizerLike

from laserve.scoring.detokenize import new_detokenizer


def winner_outputs(
    winner: RequestOutput,
    params: SamplingParams,
    request_id: str,
    tokenizer: TokenizerLike | None,
) -> Iterator[RequestOutput]:
    """The outputs of a request with `params` whose one completion is that of `winner`."""
    (completion,) = winner.outputs
    # OpenAI's clients know no `abort`; to them a budget of the request is a limit of length.
    reason = "length" if completion.finish_reason == "abort" else completion.finish_reason
    output = copy(winner)
    output.request_id = request_id
    output.outputs = [replace(completion, finish_reason=reason)]
    output.finished = True
    if params.output_kind == RequestOutputKind.DELTA:
        return _replayed(output, params, tokenizer)
    return iter((output,))


def _replayed(
    output: RequestOutput, params: SamplingParams, tokenizer: TokenizerLike | None
) -> Iterator[RequestOutput]:
    """One output for each token of the one completion of `output`, and one where it has none:
    vLLM's parsers of tools and reasoning read streams of tokens, not texts in one piece."""
    (completion,) = output.outputs
    tokens = list(completion.token_ids)
    detokenizer = new_detokenizer(params, output.prompt_token_ids, tokenizer)
    by_token = completion.finish_reason == "stop" and not isinstance(completion.stop_reason, str)
    for place in range(max(len(tokens), 1)):
        is_last = place >= len(tokens) - 1
        new = tokens[place : place + 1]
        detokenizer.update(list(new), stop_terminated=is_last and by_token)
        part = copy(output)
        part.finished = is_last
        part.outputs = [
            replace(
                completion,
                text=detokenizer.get_next_output_text(finished=is_last, delta=True),
                token_ids=new,
                logprobs=completion.logprobs and completion.logprobs[place : place + 1],
                finish_reason=completion.finish_reason if is_last else None,
                stop_reason=completion.stop_reason if is_last else None,
            )
        ]
        if place > 0:
            part.prompt_logprobs = None
        yield part
