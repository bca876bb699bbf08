"""What a probe takes of a model, and what it leaves: tokens, hidden states, rows, files."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel
from transformers.models.cohere import CohereConfig, CohereForCausalLM
from transformers.models.gemma2 import Gemma2Config, Gemma2ForCausalLM

from laserve.core.tokens import check_scoring_token
from laserve.errors import ConfigurationError
from laserve.reference.load import load_model, load_tokenizer
from laserve_training.probe.base import prepare_base
from laserve_training.probe.output_layer import OutputLayer
from laserve_training.probe.reading import read_positions
from laserve_training.probe.score_token import ADDED_TOKEN
from laserve_training.probe.writing import write_with_row
from tests.tiny_model import build_tiny_model
from tests.tiny_tied import build_tiny_tied_model

Z_C = 7
SIZES: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "pad_token_id": 0,
}


def models() -> list[PreTrainedModel]:
    """A plain output layer, a tied one with a scale, a tied one with a soft-cap and sliding
    windows."""
    torch.manual_seed(0)
    gemma = Gemma2Config(**SIZES, head_dim=16, final_logit_softcapping=3.0, sliding_window=5)
    return [
        LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=False)),
        CohereForCausalLM(CohereConfig(**SIZES, logit_scale=0.25)),
        Gemma2ForCausalLM(gemma),
    ]


@pytest.mark.parametrize("begin", [[], [9, 8, 7, 6, 5, 4, 3, 2, 1, 50]], ids=["", "shared"])
@pytest.mark.parametrize("model", models(), ids=lambda model: type(model).__name__)
def test_log_p_of_a_row_is_that_of_the_models_own_logits(
    model: PreTrainedModel, begin: list[int]
) -> None:
    """Also where all begin alike, which is read once."""
    layer = OutputLayer.of(model)
    ends = [[5, 9, 11, 4, 60], [3, 8], [1, 2, 3, 4, 5, 6, 7, 8], [3, 8]]
    sequences = [[*begin, *end] for end in ends]
    read = dict(read_positions(model, layer, sequences, Z_C))
    assert sorted(read) == [0, 1, 2, 3]
    for index, positions in read.items():
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([sequences[index]])).logits[0]
        torch.testing.assert_close(
            layer.logits.logprobs(layer.weight_VD[Z_C], positions),
            logits.double().log_softmax(-1)[:, Z_C],
            rtol=1e-5,
            atol=1e-5,  # float32, in batches of other shapes
        )


def test_output_layers_of_no_use_are_refused() -> None:
    model = models()[0]
    model.lm_head = torch.nn.Linear(32, 64, bias=True)
    with pytest.raises(ConfigurationError, match="has a bias"):
        OutputLayer.of(model)

    class Scaled(torch.nn.Linear):
        """As of a quantisation's library."""

    model.lm_head = Scaled(32, 64, bias=False)
    with pytest.raises(ConfigurationError, match="is quantised"):
        OutputLayer.of(model)
    model = models()[1]
    layer = OutputLayer.of(model)
    assert layer.logits.scale == 0.25
    model.config.logit_scale = 0.5  # what the model computes with was read before
    with pytest.raises(ConfigurationError, match="in another way than by one matrix"):
        OutputLayer.of(model)


def test_a_row_beyond_the_vocabulary_gets_a_token_and_the_files_stay(tmp_path: Path) -> None:
    tiny = build_tiny_model(tmp_path / "tiny")  # 384 rows, 260 tokens
    base = prepare_base(str(tiny.path), None, tmp_path / "start")
    assert (base.token.token_id, base.token.text) == (260, ADDED_TOKEN)
    assert base.folder == tmp_path / "start"
    tokenizer = load_tokenizer(str(base.folder))
    assert check_scoring_token(tokenizer, 260, tiny.eos_token_ids) == ADDED_TOKEN
    text = "no <|vision_start|> of it"
    assert tokenizer(text).input_ids == load_tokenizer(str(tiny.path))(text).input_ids
    name = "model.safetensors"
    assert (base.folder / name).samefile(tiny.path / name)


def test_without_a_row_the_special_token_without_a_use_is_taken(tmp_path: Path) -> None:
    tiny = build_tiny_model(tmp_path / "tiny", vocab_size=260)
    base = prepare_base(str(tiny.path), None, tmp_path / "start")
    assert base.token.token_id == tiny.z_c
    assert base.folder == tiny.path


def test_without_any_token_the_model_gets_one_row_more(tmp_path: Path) -> None:
    tiny = build_tiny_model(tmp_path / "tiny", vocab_size=260, dtype=torch.bfloat16)
    tokenizer = load_tokenizer(str(tiny.path))
    tokenizer.chat_template = f"<|vision_start|>{tokenizer.chat_template}"  # the last one in use
    tokenizer.save_pretrained(tiny.path)
    base = prepare_base(str(tiny.path), None, tmp_path / "start")
    assert base.token.token_id == 260
    grown = load_model(str(base.folder), "auto")
    assert grown.dtype == torch.bfloat16
    old, new = load_model(str(tiny.path), "auto").state_dict(), grown.state_dict()
    for name, tensor in old.items():
        torch.testing.assert_close(new[name][: len(tensor)], tensor, rtol=0, atol=0)
    assert new["lm_head.weight"].shape[0] == 261


@pytest.mark.parametrize("tied", [False, True])
def test_a_written_row_is_all_that_differs(tmp_path: Path, tied: bool) -> None:
    build = build_tiny_tied_model if tied else build_tiny_model
    tiny = build(tmp_path / "tiny")
    (tmp_path / "tiny" / "laserve.json").write_text("{}")
    base = prepare_base(str(tiny.path), str(tiny.z_c), tmp_path / "start")
    row_D = torch.linspace(-1.0, 1.0, 64, dtype=torch.float64)
    write_with_row(tmp_path / "new", base.folder, base.layer.names, tiny.z_c, row_D)
    old = load_model(str(tiny.path), "auto").state_dict()
    new = load_model(str(tmp_path / "new"), "auto").state_dict()
    assert old.keys() == new.keys()
    changed = {"model.embed_tokens.weight", "lm_head.weight"} if tied else {"lm_head.weight"}
    for name, tensor in old.items():
        expected = tensor.clone()
        if name in changed:
            expected[tiny.z_c] = row_D.to(tensor.dtype)
        torch.testing.assert_close(new[name], expected, rtol=0, atol=0)
    assert not (tmp_path / "new" / "laserve.json").exists()
    assert (tmp_path / "new" / "tokenizer.json").samefile(tiny.path / "tokenizer.json")
