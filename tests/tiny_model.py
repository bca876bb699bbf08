"""The tiny checkpoint that the test suite serves: a random Qwen2 with its own tokenizer.

It is built like a real one where that matters to scoring: a chat template, two EOS ids (the
tokenizer's and one more in ``generation_config.json``), a z_c that no text produces, a vocabulary
padded beyond the tokenizer's, and answers of varied length that mostly end with EOS.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True, slots=True)
class TinyModel:
    """Where the checkpoint lies and the token ids that scoring needs."""

    path: Path
    z_c: int
    primary_eos: int
    secondary_eos: int
    vocab_size: int

    @property
    def eos_token_ids(self) -> frozenset[int]:
        return frozenset({self.primary_eos, self.secondary_eos})


def build_tiny_model(
    path: Path,
    *,
    seed: int = 0,
    vocab_size: int = 384,
    dtype: torch.dtype = torch.float32,
    eos_bias: float = 2.0,
    z_c_bias: float = -12.0,
    max_position_embeddings: int = 2048,
) -> TinyModel:
    """Save a random checkpoint to ``path``.

    ``eos_bias`` (nats) tilts the output layer towards the two EOS ids, so that answers at
    temperature 1 have some tens of tokens; 0 makes an EOS as rare as any token. ``z_c_bias``
    (nats) keeps z_c out of the text, as training does.
    """
    tokenizer = _byte_tokenizer()
    torch.manual_seed(seed)
    vocabulary = tokenizer.get_vocab()
    ids = {token: vocabulary[token] for token in SPECIAL_TOKENS}
    config = Qwen2Config(
        vocab_size=vocab_size,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,  # vLLM's CPU attention takes head sizes from 32
        num_key_value_heads=1,
        max_position_embeddings=max_position_embeddings,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=ids["<|im_end|>"],
        pad_token_id=ids["<|endoftext|>"],
        dtype=dtype,
    )
    model = Qwen2ForCausalLM(config).eval()
    with torch.no_grad():
        # Random initialisation gives a nearly uniform next token; wider rows make it opinionated.
        model.lm_head.weight.mul_(12.0)
        # The first hidden coordinate is the same at every position: a bias for the output layer.
        model.model.embed_tokens.weight[:, 0] = 0.1
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0] = 0.0
            layer.mlp.down_proj.weight[0] = 0.0
        model.lm_head.weight[:, 0] = 0.0
        probe = model.model(input_ids=torch.arange(256)[None]).last_hidden_state[0, :, 0]
        for token in ("<|im_end|>", "<|endoftext|>"):
            model.lm_head.weight[ids[token], 0] = eos_bias / probe.mean()
        model.lm_head.weight[ids["<|vision_start|>"], 0] = z_c_bias / probe.mean()
    model.to(dtype).save_pretrained(path)
    GenerationConfig(
        eos_token_id=[ids["<|im_end|>"], ids["<|endoftext|>"]], pad_token_id=ids["<|endoftext|>"]
    ).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return TinyModel(
        path=path,
        z_c=ids["<|vision_start|>"],
        primary_eos=ids["<|im_end|>"],
        secondary_eos=ids["<|endoftext|>"],
        vocab_size=vocab_size,
    )


def _byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token per byte, so that random tokens exercise incomplete UTF-8 too."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={char: i for i, char in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL_TOKENS)})
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
