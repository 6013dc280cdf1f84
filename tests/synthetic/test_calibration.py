"""The claims of the packaged configurations against what they generate (statistical, fixed seed, 3 standard errors).

The mutation tests change the generator and not the claims: were a claim's check blind, they would pass it.
"""

import functools

import numpy as np
import pytest

from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.errors import ConfigError, UsageError
from igfstrat.synthetic import CohortConfig
from igfstrat.synthetic.calibration import Calibrated, calibrate, render_calibration
from igfstrat.synthetic.numbers import walk_numbers, with_numbers
from igfstrat.synthetic.prognosis import make_prognosis
from igfstrat.synthetic.targets import ENOUGH, make_targets

NAMES = ("breast_early", "breast_metastatic", "bone_metastatic", "lung_nsclc")
SEED = 1


@functools.cache
def config_of(name):
    return make_config(CohortConfig, read_yaml(config_path(name, "cohorts")))


def claims(name):
    return [t for t in make_targets(config_of(name)) if t.path != "serum.reference"]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_with_evidence_has_a_target(name):
    config = config_of(name)
    claimed = {path: n for path, n in walk_numbers(config) if n.evidence}
    targets = claims(name)
    assert sorted(t.path for t in targets) == sorted(claimed)
    assert all(t.evidence == claimed[t.path].evidence for t in targets)


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_lies_within_three_standard_errors_small_enough_to_see_a_wrong_number(name):
    """A tenth of a log hazard ratio, and two points of a percentage, are more than five standard errors."""
    lines = calibrate(config_of(name), seed=SEED)
    assert [(c.target.path, c.target.value, c.estimate, c.z) for c in lines if not c.holds] == []
    for line in lines:
        assert line.n >= ENOUGH
        if line.target.is_log:
            assert line.std_error < 0.1 / 5, line.target.path
        elif line.target.value > 2:
            assert line.std_error < 2 / 5, line.target.path


def mutations():
    """Every log hazard ratio by 0.1, every percentage by 2 points."""
    for name in NAMES:
        for target in claims(name):
            is_percent = (
                not target.path.startswith(("serum.", "effects.", "presets.")) and "median" not in target.path
            )
            if target.is_log or is_percent:
                yield pytest.param(name, target, id=f"{name}-{target.path}")


def mutated(config, target):
    """The generator with one number changed, up or else down: figures that contradict each other are refused."""
    old = dict(walk_numbers(config))[target.path].value
    for sign in (1, -1):
        new = old * np.exp(0.1 * sign) if target.is_log else old + 2 * sign
        values = {target.path: new}
        if target.path.startswith("groups."):  # what one gains another loses, whose share is assumed
            values["groups.luminal_b.share"] = config.groups["luminal_b"].share.value - 2 * sign
        try:
            changed = with_numbers(config, values)
            make_prognosis(changed.with_preset(target.draw.preset))
        except ConfigError:
            continue
        return changed
    raise AssertionError(target.path)


@pytest.mark.parametrize(("name", "target"), list(mutations()))
def test_number_that_the_generator_has_wrong_is_caught(name, target):
    changed = mutated(config_of(name), target)
    [line] = calibrate(config_of(name), seed=SEED, targets=[target], generator=changed)
    assert not line.holds, line.z


def test_claim_three_and_a_half_standard_errors_away_does_not_hold():
    target = claims("breast_early")[0]
    assert not Calibrated(target, 10, target.value + 3.5, 1.0).holds
    assert Calibrated(target, 10, target.value - 2.9, 1.0).holds


def test_rendered_calibration_shows_hazard_ratios_and_not_their_logarithms():
    config = config_of("breast_early")
    [target] = [t for t in claims("breast_early") if t.path == "effects.igf1r.luminal_a.first"]
    text = render_calibration(
        {"breast_early": [Calibrated(target, 40_000, np.log(0.6), 0.01)]}, {"breast_early": config}
    )
    assert "| 0.61 | 0.6 ± 0.006 | -1.7 | holds |" in text
    assert "| null | DFS | all | 0.920 |" in text


def test_number_of_an_unknown_path_is_refused():
    with pytest.raises(UsageError, match=r"no number 'people\.weight'"):
        with_numbers(config_of("breast_early"), {"people.weight": 1.0})
