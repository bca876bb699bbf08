"""The character tokenizer and the small model of `[model.scratch]`."""

from pathlib import Path

import jinja2
import pytest
import torch
from transformers import AutoTokenizer

from laserve.core.tokens import check_scoring_token, scoring_candidates
from laserve_training.config import ScratchTable
from laserve_training.scratch import END, SCORE, new_model, new_tokenizer

TABLE = ScratchTable(hidden_size=64, intermediate_size=128, num_hidden_layers=1)


def test_each_character_is_a_token_and_decoding_gives_the_text_back() -> None:
    tokenizer = new_tokenizer("0123+=")
    ids = tokenizer("12+3=0", add_special_tokens=False).input_ids
    assert len(ids) == 6
    assert tokenizer.decode(ids) == "12+3=0"


def test_it_survives_saving(tmp_path: Path) -> None:
    tokenizer = new_tokenizer("0123+=")
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    messages = [
        {"role": "user", "content": "1+2"},
        {"role": "assistant", "content": "3"},
        {"role": "user", "content": "0+0"},
    ]
    text = loaded.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert text == "<|user|>1+2<|assistant|>3<|end|><|user|>0+0<|assistant|>"
    assert loaded(text, add_special_tokens=False).input_ids == (
        tokenizer(text, add_special_tokens=False).input_ids
    )


def test_the_score_token_is_unused_and_can_be_z_c() -> None:
    tokenizer = new_tokenizer("01")
    z_c = tokenizer.get_vocab()[SCORE]
    assert check_scoring_token(tokenizer, z_c, {tokenizer.eos_token_id}) == SCORE
    assert SCORE in scoring_candidates(tokenizer, {tokenizer.eos_token_id})
    assert tokenizer.eos_token == END


def test_a_role_that_it_was_not_trained_on_is_refused() -> None:
    with pytest.raises(jinja2.TemplateError, match="user and assistant"):
        new_tokenizer("01").apply_chat_template(
            [{"role": "system", "content": "1"}], tokenize=False
        )


@pytest.mark.parametrize("architecture", ["qwen2", "llama"])
def test_the_same_seed_gives_the_same_model(architecture: str) -> None:
    table = TABLE.model_copy(update={"architecture": architecture})
    tokenizer = new_tokenizer("0123")
    first, again, other = (new_model(table, tokenizer, seed) for seed in (0, 0, 1))
    assert first.config.model_type == architecture
    assert first.get_input_embeddings().weight.shape == (len(tokenizer), 64)
    weights = [model.get_output_embeddings().weight for model in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    generation = first.generation_config
    assert generation is not None
    assert generation.eos_token_id == tokenizer.eos_token_id
