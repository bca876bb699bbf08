"""Whatever a checkpoint's JSON files hold, it is verified or rejected: nothing else happens."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import Staging
from laserve.checkpoint.verify import verify
from laserve.core.checkpoint_files import MANIFEST_NAME
from laserve.errors import CheckpointRejected
from tests.tiny_checkpoints.change import rehash

FILES = (
    *("config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"),
    *("special_tokens_map.json", "added_tokens.json", "model.safetensors.index.json"),
    MANIFEST_NAME,
)
KEYS = st.sampled_from(
    [
        *("model_type", "architectures", "dtype", "torch_dtype", "rope_theta", "rope_scaling"),
        *("rope_parameters", "layer_types", "sliding_window", "text_config", "id2label"),
        *("quantization_config", "eos_token_id", "eos_token", "tokenizer_class", "vocab_size"),
        *("extra_special_tokens", "added_tokens", "added_tokens_decoder", "model", "normalizer"),
        *("chat_template", "pre_tokenizer", "post_processor", "weight_map", "golden_probes"),
        *("z_c", "c_ref", "files", "model_max_length", "add_prefix_space", "backend"),
    ]
) | st.text(max_size=5)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.floats()
    | st.sampled_from(["qwen2", "llama", "bfloat16", "<|im_end|>", "Qwen2Tokenizer", "10" * 9])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(
    name=st.sampled_from(FILES),
    values=st.dictionaries(KEYS, VALUES, min_size=1, max_size=3),
    dropped=st.lists(KEYS, max_size=2),
)
def test_hostile_json_is_at_worst_rejected(
    name: str,
    values: dict[str, object],
    dropped: list[str],
    good: Path,
    served: ServedCheckpoint,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = shutil.copytree(good, tmp_path_factory.mktemp("hostile") / "next")
    path = folder / name
    content = json.loads(path.read_text()) if path.exists() else {}
    content |= values
    for key in dropped:
        content.pop(key, None)
    path.write_text(json.dumps(content))
    if name != MANIFEST_NAME:
        rehash(folder)
    staging = Staging(folder.parent / "staging")
    try:
        with contextlib.suppress(CheckpointRejected):
            verify(staging.stage(folder, [folder]), served)
    finally:
        staging.close()
        shutil.rmtree(folder)
