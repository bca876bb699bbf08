"""A small new model with a tokenizer of single characters, for tasks with a small alphabet."""

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    set_seed,
)

from laserve_training.config import ScratchTable

PAD, UNKNOWN, USER, ASSISTANT, END, SCORE = (
    *("<|pad|>", "<|unknown|>", "<|user|>", "<|assistant|>", "<|end|>"),
    "<|score|>",
)
SPECIAL_TOKENS = (PAD, UNKNOWN, USER, ASSISTANT, END, SCORE)
"""`SCORE` is meant to be z_c; its id is 5."""

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'user' -%}<|user|>{{ message['content'] }}"
    "{%- elif message['role'] == 'assistant' -%}<|assistant|>{{ message['content'] }}<|end|>"
    "{%- else -%}{{ raise_exception('only the roles user and assistant are known here') }}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)


def new_tokenizer(alphabet: str) -> PreTrainedTokenizerFast:
    """One token for each character of `alphabet`, after the special tokens."""
    tokens = (*SPECIAL_TOKENS, *sorted(set(alphabet)))
    vocabulary = {token: index for index, token in enumerate(tokens)}
    backend = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token=UNKNOWN))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    backend.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token=PAD, unk_token=UNKNOWN, eos_token=END
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL_TOKENS)})
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def new_model(
    table: ScratchTable, tokenizer: PreTrainedTokenizerFast, seed: int
) -> PreTrainedModel:
    """Random weights in float32, the same for the same seed."""
    set_seed(seed)
    config = AutoConfig.for_model(
        table.architecture,
        vocab_size=len(tokenizer),
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
