"""A small new model with a tokenizer of bytes, for tasks with a small alphabet."""

from tokenizers import pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Tokenizer,
    set_seed,
)

from laserve_training.config import ScratchTable

PAD, UNKNOWN, USER, ASSISTANT, END, SCORE = (
    *("<|pad|>", "<|unknown|>", "<|user|>", "<|assistant|>", "<|end|>"),
    "<|score|>",
)
SPECIAL_TOKENS = (PAD, UNKNOWN, USER, ASSISTANT, END, SCORE)
"""`SCORE` is meant to be z_c; its id is 5. No text has `UNKNOWN` in it."""

# A model that knows one game cannot follow instructions: system messages are taken and left out.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'user' -%}<|user|>{{ message['content'] }}"
    "{%- elif message['role'] == 'assistant' -%}<|assistant|>{{ message['content'] }}<|end|>"
    "{%- elif message['role'] not in ('system', 'developer') -%}"
    "{{ raise_exception('only the roles system, developer, user and assistant are known here') }}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)


def new_tokenizer(alphabet: str) -> PreTrainedTokenizerFast:
    """One token for each byte of UTF-8: after the special tokens those of `alphabet`, which is of
    ASCII's visible characters, then all others.

    It is Qwen2's tokenizer without merges: beside a model of Qwen2's type transformers makes one of
    that class from whatever tokenizer was saved.
    """
    known = sorted(set(alphabet))
    others = sorted(set(pre_tokenizers.ByteLevel.alphabet()) - set(known))
    tokenizer: PreTrainedTokenizerFast = Qwen2Tokenizer(
        vocab={token: index for index, token in enumerate((*SPECIAL_TOKENS, *known, *others))},
        merges=[],
        unk_token=UNKNOWN,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=list(SPECIAL_TOKENS),
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def new_model(
    table: ScratchTable, tokenizer: PreTrainedTokenizerFast, alphabet: str, seed: int
) -> PreTrainedModel:
    """Random weights in float32, the same for the same seed.

    Its vocabulary ends with the alphabet, until its training is over (`foreign_bytes`): beside
    hundreds of tokens that never come it learns far worse (a loss of 0.284 instead of 0.205 after
    the 400 steps of countdown.toml).
    """
    set_seed(seed)
    config = AutoConfig.for_model(
        table.architecture,
        vocab_size=len(SPECIAL_TOKENS) + len(set(alphabet)),
        hidden_size=table.hidden_size,
        intermediate_size=table.intermediate_size,
        num_hidden_layers=table.num_hidden_layers,
        num_attention_heads=table.num_attention_heads,
        num_key_value_heads=table.num_attention_heads,
        max_position_embeddings=table.max_position_embeddings,
        # Hot loading cannot prove a reload of tied weights on every engine.
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config)
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    return model
