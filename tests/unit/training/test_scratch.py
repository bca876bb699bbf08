"""The byte tokenizer and the small model of `[model.scratch]`."""

from pathlib import Path

import jinja2
import pytest
import torch
from transformers import AutoTokenizer

from laserve.core.tokens import check_scoring_token, scoring_candidates
from laserve_training.config import ScratchTable
from laserve_training.scratch import END, SCORE, new_model, new_tokenizer

ALPHABET = "0123+="
TABLE = ScratchTable(hidden_size=64, intermediate_size=128, num_hidden_layers=1)


@pytest.mark.parametrize(
    "text", ["6-6=0;0+2=2#2 hello", "\u201c\u201d", "日本", "🙂", "<0x41>", "\x00\r\n "]
)
def test_each_byte_is_a_token_and_decoding_gives_the_text_back(text: str) -> None:
    tokenizer = new_tokenizer(ALPHABET)
    ids = tokenizer(text, add_special_tokens=False).input_ids
    assert len(ids) == len(text.encode())
    assert tokenizer.decode(ids) == text


@pytest.mark.parametrize("architecture", ["qwen2", "llama"])
def test_it_is_the_same_beside_its_model(architecture: str, tmp_path: Path) -> None:
    tokenizer = new_tokenizer(ALPHABET)
    table = TABLE.model_copy(update={"architecture": architecture})
    new_model(table, tokenizer, ALPHABET, seed=0).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    messages = [
        {"role": "user", "content": "1+2"},
        {"role": "assistant", "content": "3"},
        {"role": "user", "content": "“日本” <|endoftext|>"},
    ]
    text = loaded.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert text == "<|user|>1+2<|assistant|>3<|end|><|user|>“日本” <|endoftext|><|assistant|>"
    ids = loaded(text, add_special_tokens=False).input_ids
    assert ids == tokenizer(text, add_special_tokens=False).input_ids
    assert loaded.decode(ids) == text
    assert len(loaded) == len(tokenizer)


def test_the_score_token_is_unused_and_can_be_z_c() -> None:
    tokenizer = new_tokenizer(ALPHABET)
    z_c = tokenizer.get_vocab()[SCORE]
    assert check_scoring_token(tokenizer, z_c, {tokenizer.eos_token_id}) == SCORE
    assert SCORE in scoring_candidates(tokenizer, {tokenizer.eos_token_id})
    assert tokenizer.eos_token == END


def test_texts_that_differ_are_tokens_that_differ() -> None:
    texts = ["", "1", "1 ", "1a", "1b", "1“", "1”", "日", "本", "é", "e"]
    assert len({tuple(new_tokenizer(ALPHABET)(text).input_ids) for text in texts}) == len(texts)


@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_template_takes_a_system_message_and_leaves_it_out(role: str) -> None:
    messages = [{"role": role, "content": "Be brief."}, {"role": "user", "content": "1+2"}]
    tokenizer = new_tokenizer(ALPHABET)
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert text == "<|user|>1+2<|assistant|>"


def test_a_role_that_it_was_not_trained_on_is_refused() -> None:
    with pytest.raises(jinja2.TemplateError, match="system, developer, user and assistant"):
        new_tokenizer(ALPHABET).apply_chat_template(
            [{"role": "tool", "content": "1"}], tokenize=False
        )


@pytest.mark.parametrize("architecture", ["qwen2", "llama"])
def test_the_same_seed_gives_the_same_model(architecture: str) -> None:
    table = TABLE.model_copy(update={"architecture": architecture})
    tokenizer = new_tokenizer(ALPHABET)
    first, again, other = (new_model(table, tokenizer, ALPHABET, seed) for seed in (0, 0, 1))
    assert first.config.model_type == architecture
    assert first.get_input_embeddings().weight.shape == (6 + len(ALPHABET), 64)
    weights = [model.get_output_embeddings().weight for model in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    generation = first.generation_config
    assert generation is not None
    assert generation.eos_token_id == tokenizer.eos_token_id
