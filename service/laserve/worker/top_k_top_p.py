"""Compiles vLLM's Triton kernels of top-k and top-p before the first request.

On CUDA vLLM leaves them out of its warm-up, as FlashInfer mostly takes their place. It does not for
drafts, nor where one request of a batch is greedy or has a seed: the first such batch of each size
would wait for a compiler.
"""

import torch
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p

MOST_ROWS = 65
"""vLLM splits rows among programs, differently for each number of up to 64, and compiles a kernel
for each split; from 65 rows on there is one."""


def compile_top_k_top_p(device: torch.device, vocab_size: int, max_rows: int) -> None:
    """Launch them on every number of rows up to ``max_rows`` that makes a difference, filtering
    nothing out.

    Takes a minute or two where Triton's cache is empty, and `MOST_ROWS` times ``vocab_size``
    float32 of the device's memory while it does.
    """
    most = min(MOST_ROWS, max_rows)
    logits = torch.zeros(most, vocab_size, device=device)
    top_k = torch.full((most,), vocab_size, dtype=torch.int32, device=device)
    top_p = torch.ones(most, device=device)
    for rows in range(1, most + 1):
        apply_top_k_top_p(logits[:rows], top_k[:rows], None)
        apply_top_k_top_p(logits[:rows], None, top_p[:rows])
        apply_top_k_top_p(logits[:rows], top_k[:rows], top_p[:rows])
