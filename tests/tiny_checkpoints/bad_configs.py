"""Bad configurations of the model."""

from tests.tiny_checkpoints.change import change_file, state_twice, write_file
from tests.tiny_checkpoints.mutation import Mutation, on_disk

CONFIGS: dict[str, Mutation] = {
    "other architecture": on_disk(
        change_file("config.json", model_type="llama", architectures=["LlamaForCausalLM"]),
        "config.json.*architectures is .*'LlamaForCausalLM'.* served as .*'Qwen2ForCausalLM'",
    ),
    "other hidden size": on_disk(
        change_file("config.json", hidden_size=32),
        "config.json.*hidden_size is 32 and is served as 64",
    ),
    "other compute type": on_disk(
        change_file("config.json", dtype="bfloat16"), "config.json.*dtype is 'bfloat16'"
    ),
    "quantised": on_disk(
        change_file("config.json", quantization_config={"quant_method": "awq", "bits": 4}),
        "config.json.*quantization_config",
    ),
    "tied embeddings": on_disk(
        change_file("config.json", tie_word_embeddings=True),
        "config.json.*tie_word_embeddings is True",
    ),
    "other rope": on_disk(
        change_file("config.json", rope_parameters={"rope_theta": 5e5, "rope_type": "default"}),
        "config.json.*rope_parameters.rope_theta is 500000.0 and is served as 10000.0",
    ),
    "setting that transformers does not know": on_disk(
        change_file("config.json", more=1), "config.json.*more is 1 and is served as absent"
    ),
    "auto_map": on_disk(
        change_file("config.json", auto_map={"AutoConfig": "other/repository--c.C"}),
        "auto_map in 'config.json'",
    ),
    "auto_map of the tokenizer": on_disk(
        change_file("tokenizer_config.json", auto_map={"AutoTokenizer": ["t.T", None]}),
        "auto_map in 'tokenizer_config.json'",
    ),
    "no configuration": on_disk(
        lambda folder: (folder / "config.json").unlink(), "'config.json' is missing"
    ),
    "configuration that is no JSON": on_disk(
        write_file("config.json", b"{"), "'config.json' is no valid JSON"
    ),
    "configuration that is no object": on_disk(
        write_file("config.json", b"[]"), "'config.json' holds no JSON object"
    ),
    "nested configuration": on_disk(
        write_file("config.json", b'{"a":' * 100_000), "'config.json' is no valid JSON"
    ),
    "key twice in the configuration": on_disk(
        state_twice("config.json", "hidden_size"), "'config.json'.*key 'hidden_size' stands twice"
    ),
    "settings of another loader": on_disk(
        write_file("params.json", b'{"dim": 64}'), "served checkpoint has not.*'params.json'"
    ),
    "float for a size": on_disk(
        change_file("config.json", hidden_size=64.0), "Field 'hidden_size' expected int"
    ),
    "number for a truth": on_disk(
        change_file("config.json", tie_word_embeddings=0), "Field 'tie_word_embeddings' expected"
    ),
    "both names of the compute type": on_disk(
        change_file("config.json", torch_dtype="bfloat16"), "dtype is 'bfloat16'"
    ),
    "longer context": on_disk(
        change_file("config.json", max_position_embeddings=1 << 20),
        "max_position_embeddings is 1048576",
    ),
    "attention that slides": on_disk(
        change_file("config.json", use_sliding_window=True), "use_sliding_window is True"
    ),
    "generation settings that are no object": on_disk(
        write_file("generation_config.json", b"[]"), "'generation_config.json' holds no JSON object"
    ),
    "generation settings that no engine starts with": on_disk(
        change_file("generation_config.json", cache_implementation="nonsense"),
        "generation_config.json cannot be used: ValueError: Invalid `cache_implementation`",
    ),
    "generation settings of another kind": on_disk(
        change_file("generation_config.json", watermarking_config=3),
        "generation_config.json cannot be used: AttributeError",
    ),
    "truth for an EOS": on_disk(
        change_file("generation_config.json", eos_token_id=True), "True, which is no token id"
    ),
    "settings of a quantisation": on_disk(
        write_file("hf_quant_config.json", b"{}"), "served checkpoint has not.*'hf_quant_config"
    ),
}
