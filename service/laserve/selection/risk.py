"""What `max_risk` stands on: the checkpoint's judged samples, selected among as a request's are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from laserve.core.judged import CalibrationSample, JudgedSamples
from laserve.errors import RequestError
from laserve.selection.fallback import applied
from laserve.selection.learn_then_test import lowest_score
from laserve.selection.measured import check_measured, unbounded
from laserve.selection.options import SelectionOptions
from laserve.selection.outcome import RiskReport
from laserve.selection.stopping import stop_rules
from laserve.selection.voting import Group, Vote, ranked

KEPT_POLICIES = 64


@dataclass(frozen=True, slots=True)
class Units:
    """The answers, one to a problem, of those problems that get one."""

    scores: tuple[float, ...]
    correct: tuple[bool, ...]
    problems: int
    """Those without an answer included."""


def bounded_risk(
    options: SelectionOptions, max_risk: float, judged: JudgedSamples | None, checkpoint: str
) -> RiskReport:
    """The bound for a selection with these options by the checkpoint of that name.

    Takes some 0.1 s where a policy is asked for for the first time. Raises RequestError, which says
    what is missing, where the samples cannot give one.
    """
    if judged is None:
        raise RequestError(
            f"max_risk is bounded from judged samples, and checkpoint {checkpoint} has none: leave "
            "it out, or serve a checkpoint that `laserve-train evaluate` has calibrated, and "
            "without flags that change its constants",
            "selection.max_risk",
        )
    check_measured(options, judged.sampling)
    units = units_of(judged, policy_of(options))
    bound = lowest_score(units.scores, units.correct, max_risk, options.delta)
    if bound is None:
        raise RequestError(
            unbounded(max_risk, options.delta, len(units.correct), units.problems),
            "selection.max_risk",
        )
    return RiskReport(
        max_risk=max_risk,
        delta=options.delta,
        min_score=bound.score,
        problems=units.problems,
        answered=bound.answered,
        wrong=bound.wrong,
    )


def policy_of(options: SelectionOptions) -> SelectionOptions:
    """Those of the options that decide which sample wins, given the samples in their order."""
    decisive = {"method", "n_max", "answer", "adaptive", "posterior"}
    return SelectionOptions.model_validate(options.model_dump(include=decisive))


@lru_cache(KEPT_POLICIES)
def units_of(judged: JudgedSamples, policy: SelectionOptions) -> Units:
    """One unit of each problem: the answer to `n_max` of its samples, drawn without replacement."""
    scores, correct = [], []
    problems = judged.by_problem
    for number, kept in enumerate(problems):
        cut_short: list[CalibrationSample | None] = [None] * (judged.sampling.samples - len(kept))
        drawn = Random(number).sample([*kept, *cut_short], policy.n_max)
        votes = [_vote(index, sample, policy) for index, sample in enumerate(drawn)]
        leader = chosen(policy, votes, seed=number)
        sample = None if leader is None else drawn[leader.best.index]
        if leader is not None and leader.score is not None and sample is not None:
            scores.append(leader.score)
            correct.append(sample.correct)
    return Units(tuple(scores), tuple(correct), len(problems))


def chosen(
    policy: SelectionOptions, votes: Sequence[tuple[str, Vote] | None], seed: int
) -> Group | None:
    """The group that wins where votes, with their keys, are counted in this order; None is a sample
    that votes for nothing. What `Selector` does, one sample at a time."""
    rules = stop_rules(policy)
    groups: dict[str, Group] = {}
    for counted, keyed in enumerate(votes, start=1):
        if keyed is not None:
            key, vote = keyed
            group = groups.setdefault(key, Group(key, policy.method, policy.weights, seed))
            group.members.append(vote)
        if any(rule(ranked(groups.values()), len(votes) - counted) for rule in rules):
            break
    _, standings = applied(policy.method, ranked(groups.values()))
    return standings[0] if standings else None


def _vote(
    index: int, sample: CalibrationSample | None, policy: SelectionOptions
) -> tuple[str, Vote] | None:
    if sample is None:
        return None
    # Of one sample all of the text is an answer, whatever the groups are of.
    is_text = policy.n_max == 1 and policy.answer == "text"
    group = 0 if is_text else sample.answer_group
    return None if group is None else (str(group), Vote(str(group), index, sample.score, None))
