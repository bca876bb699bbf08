"""Which split a generated problem belongs to: the same in every run, whatever the seed."""

from hashlib import sha256

from laserve_training.problem import Split


def split_at(percent: int) -> Split:
    """The split at a place from 0 to 99: 75 % train, 10 % calibration, 15 % test."""
    if percent < 75:
        return Split.TRAIN
    return Split.CALIBRATION if percent < 85 else Split.TEST


def split_of(question: str) -> Split:
    """The split of a question, by a hash of its text: no question is in two of them."""
    return split_at(int.from_bytes(sha256(question.encode()).digest()) % 100)
