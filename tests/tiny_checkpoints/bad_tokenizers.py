"""Bad tokenizers and chat templates."""

from pathlib import Path
from typing import Any

from laserve.core.checkpoint_files import MANIFEST_NAME, hash_chat_template
from tests.tiny_checkpoints.change import change_file, edit_json, set_keys, update, write_file
from tests.tiny_checkpoints.mutation import Mutation, on_disk, stated
from tests.tiny_model import CHAT_TEMPLATE


def _other_tokens(folder: Path) -> None:
    def swap(content: dict[str, Any]) -> None:
        vocabulary = content["model"]["vocab"]
        vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]

    edit_json(folder / "tokenizer.json", swap)


def _other_template(folder: Path) -> None:
    template = CHAT_TEMPLATE.replace("assistant", "model")
    (folder / "chat_template.jinja").write_text(template)
    update(folder / MANIFEST_NAME, chat_template_sha256=hash_chat_template(template))


def _with_eos(folder: Path) -> None:
    eos = {"SpecialToken": {"id": "<|im_end|>", "type_id": 0}}
    update(
        folder / "tokenizer.json",
        post_processor={
            "type": "TemplateProcessing",
            "single": [eos, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [],
            "special_tokens": {
                "<|im_end|>": {"id": "<|im_end|>", "ids": [257], "tokens": ["<|im_end|>"]}
            },
        },
    )


def _one_more(folder: Path) -> None:
    def append(content: dict[str, Any]) -> None:
        added = content["added_tokens"]
        added.append({**added[0], "id": 260, "content": "zz", "special": False})

    edit_json(folder / "tokenizer.json", append)


def _template_for_tools(folder: Path) -> None:
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tool.jinja").write_text("x")


TOKENIZERS: dict[str, Mutation] = {
    "other tokenizer": on_disk(_other_tokens, r"tokenizer is another one: .*'a' \("),
    "other special tokens": on_disk(
        change_file("tokenizer_config.json", eos_token="<|endoftext|>"),
        "tokenizer is another one: it differs .* special tokens",
    ),
    "tokenizer that is no tokenizer": on_disk(
        write_file("tokenizer.json", b'{"model": 3}'), "the tokenizer cannot be loaded"
    ),
    "tokenizer whose model is unknown": on_disk(
        lambda folder: edit_json(
            folder / "tokenizer.json", lambda content: content["model"].update(type="XYZ")
        ),
        "the tokenizer cannot be loaded",
    ),
    "other chat template": on_disk(_other_template, "chat template is another one"),
    "wrong hash of the chat template": stated(
        set_keys(chat_template_sha256="0" * 64), "chat_template_sha256 is 0000"
    ),
    "other arguments of the chat template": stated(
        set_keys(chat_template_kwargs={"brief": True}), "chat_template_kwargs give .*'brief': True"
    ),
    "no hash of the chat template": stated(
        set_keys(chat_template_sha256=None), "chat_template_sha256 is None"
    ),
    "tokenizer that adds an EOS to each text": on_disk(
        _with_eos, "tokenizer is another one: it differs from the served one in post_processor"
    ),
    "one more token": on_disk(_one_more, r"tokenizer is another one: .*'zz' \(260\)"),
    "a template for tools": on_disk(_template_for_tools, "chat template is another one"),
}
