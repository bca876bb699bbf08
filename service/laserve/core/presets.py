"""Constants of the checkpoints that the paper's authors published, which carry no manifest.

Source: arXiv 2510.14943 and the authors' repository RUCBM/LaSeR (`scripts/run_eval_math.sh`:
token, constant and coefficient; `verl/examples/grpo_trainer/run_*.sh`: the padding token, which
their loss takes for the EOS). Both models were trained from base models, whose only EOS is the end
of text: the score was learned after that token, and the authors' scoring script appends it too
(`src/calculate_self_rewarding_scores.py`, after taking the template's `<|im_end|>` off).

A preset states the EOS that the score was trained after. The checkpoint's own generation settings
stay what decides where a completion ends; they must contain it.
"""

from dataclasses import dataclass
from types import MappingProxyType

from laserve.core.score import PAPER_BETA_V


@dataclass(frozen=True, slots=True)
class Preset:
    """The score's constants for a family of checkpoints."""

    z_c: int
    z_c_token: str
    """Text of z_c: shows a tokenizer that does not belong to the preset."""
    trained_eos: int
    """The EOS that the score was trained after."""
    c_ref: float
    """Nats."""
    beta_v: float


PRESETS = MappingProxyType(
    {
        # Qwen2.5-7B-LaSeR and ORZ-7B-LaSeR; the EOS is <|endoftext|>.
        "qwen2.5": Preset(
            z_c=151652,
            z_c_token="<|vision_start|>",
            trained_eos=151643,
            c_ref=-23.0,
            beta_v=PAPER_BETA_V,
        ),
        # OctoThinker-3B-Short-LaSeR, of the Llama 3.2 family; the EOS is <|end_of_text|>.
        "octothinker": Preset(
            z_c=128002,
            z_c_token="<|reserved_special_token_0|>",
            trained_eos=128001,
            c_ref=-25.0,
            beta_v=PAPER_BETA_V,
        ),
    }
)
