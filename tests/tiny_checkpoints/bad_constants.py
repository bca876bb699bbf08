"""Constants of the score that are not those of what is served, and EOS."""

import math
from typing import Any

from tests.tiny_checkpoints.change import as_schema_1, change_file, set_keys
from tests.tiny_checkpoints.mutation import Mutation, invalid, on_disk, stated


def _without_scores(content: dict[str, Any]) -> None:
    as_schema_1(content, scored=False)


def _other_beta_v(content: dict[str, Any]) -> None:
    _without_scores(content)
    content["beta_v"] = 2.0


def _other_base_and_beta_v(content: dict[str, Any]) -> None:
    _other_beta_v(content)
    content["base_model"] = "other"


def _other_c_ref(content: dict[str, Any]) -> None:
    _without_scores(content)
    content["c_ref"]["mean"] = -14.3


CONSTANTS: dict[str, Mutation] = {
    "wrong EOS": on_disk(
        change_file("generation_config.json", eos_token_id=[256]),
        r"end a completion at \[256\].*eos_token_ids are \[256, 257\]",
    ),
    "wrong EOS in the manifest": stated(
        set_keys(eos_token_ids=[256]), r"manifest's eos_token_ids are \[256\]"
    ),
    "EOS that is no token": on_disk(
        change_file("generation_config.json", eos_token_id=[{"id": 256}]),
        "eos_token_id is .*no token id",
    ),
    "wrong z_c": stated(set_keys(z_c=258, z_c_token="<|im_start|>"), "z_c is 258"),
    "wrong z_c_token": stated(
        set_keys(z_c_token="<|im_start|>"), "z_c_token: z_c=259 is '<|vision"
    ),
    "wrong c_ref": invalid(
        lambda content: content["c_ref"].update(mean=-12.2), "c_ref=-12.2.*one of c_ref and beta_v"
    ),
    "wrong c_ref and no scores": stated(_other_c_ref, "c_ref is -14.3, and -14.2 in the served"),
    "wrong beta_v and no scores": stated(_other_beta_v, "beta_v is 2.0, and 0.1 in the served"),
    "another base model and no scores": stated(
        _other_base_and_beta_v,
        "golden_probes.0 states no score",
    ),
    "other sampling defaults": on_disk(
        change_file("generation_config.json", temperature=0.6), "gives temperature=0.6 .* them 1.0"
    ),
    "wrong beta_v": invalid(set_keys(beta_v=0.2), "beta_v=0.2.*one of c_ref and beta_v"),
    "c_ref that is not finite": invalid(
        lambda content: content["c_ref"].update(mean=-math.inf), "c_ref.mean"
    ),
}
