"""The checkpoint that the race is run on: random weights, real shape, answers of forced length.

Speed does not depend on the values of the weights, so none are downloaded. The output layer is
made for the race:

- the next word is a function of the last one, by a margin that neither sampling nor the rounding
  of a batch gets over, so that all contestants must return the same answers, seeded or not;
- the EOS is certain as soon as `min_tokens` lets it through, so that a request for n tokens ends
  with an EOS as its n-th, on plain vLLM as on LaServe, by vLLM's own means;
- z_c is never sampled, and has a log-probability within reach of the transport.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCAB_SIZE = 49152
EOS, SCORE_TOKEN = "<eos>", "<score>"
_WORDS = VOCAB_SIZE - 2
_EMBEDDING = 20.0
"""Size of an embedding's coordinates; the layers add about 1 to it."""
_CONSTANT = 10 * _EMBEDDING
"""The first hidden coordinate, at every position: a bias for the output layer."""
_NEXT_LOGIT, _EOS_LOGIT, _SCORE_LOGIT = 40.0, 58.0, 17.0
"""Nats over a word that is not the next one. log p(z_c) after an EOS is about -42."""

SHAPES: dict[str, dict[str, Any]] = {
    "smollm2-135m": {
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
    },
    # Hardly any model at all: what is left is the cost of serving.
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
    },
}


@dataclass(frozen=True, slots=True)
class BenchModel:
    """Where the checkpoint lies, and its score token's id."""

    path: Path
    z_c: int


def build_bench_model(path: Path, shape: str) -> BenchModel:
    """Save the checkpoint of one of `SHAPES` to `path`, in bfloat16."""
    tokenizer = _word_tokenizer()
    vocabulary = tokenizer.get_vocab()
    eos, z_c = vocabulary[EOS], vocabulary[SCORE_TOKEN]
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCAB_SIZE,
        max_position_embeddings=2048,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=eos,
        dtype=torch.bfloat16,
        **SHAPES[shape],
    )
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        embedding = model.model.embed_tokens.weight
        embedding.normal_(std=_EMBEDDING)
        embedding[:, 0] = _CONSTANT
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0] = 0.0
            layer.mlp.down_proj.weight[0] = 0.0
        hidden = model.model(input_ids=torch.arange(64)[None]).last_hidden_state[0]
        rows = embedding[:_WORDS].clone()
        rows[:, 0] = 0.0
        own_logit = (rows[:64] * hidden).sum(dim=-1).mean()
        output = model.lm_head.weight.zero_()
        output[torch.randperm(_WORDS)] = rows * (_NEXT_LOGIT / own_logit)
        for token, logit in ((eos, _EOS_LOGIT), (z_c, _SCORE_LOGIT)):
            output[token, 0] = logit / hidden[:, 0].mean()
    model.to(torch.bfloat16).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return BenchModel(path, z_c)


def prompt_text(word_ids: list[int]) -> str:
    """A prompt of exactly these tokens."""
    return " ".join(f"w{index}" for index in word_ids)


def random_word(fraction: float) -> int:
    """The word at `fraction` (0 to 1) of the vocabulary."""
    return int(fraction * _WORDS)


def _word_tokenizer() -> PreTrainedTokenizerFast:
    """One token per word, so that lengths are exact and a text tells its tokens."""
    vocabulary = {f"w{index}": index for index in range(_WORDS)}
    backend = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="w0"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=EOS)
    tokenizer.add_special_tokens({"additional_special_tokens": [SCORE_TOKEN]})
    tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }} {% endfor %}"
    return tokenizer
