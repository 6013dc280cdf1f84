"""An estimator of another library by its face alone (source of truth: the API of scikit-survival 0.28, written out)."""

# ruff: noqa: N803, N806 - X is scikit-learn's name

import numpy as np
import pytest

from igfstrat.errors import IgfstratWarning, UsageError
from igfstrat.models import (
    ModelCard,
    ModelSettings,
    bootstrap_validation,
    make_risk_pipeline,
    nested_cross_validation,
    save_model,
)
from igfstrat.models.pipeline import survival_of
from igfstrat.survival import concordance, kaplan_meier
from tests.models.test_estimators import Duck

SETTINGS = ModelSettings(predictors=("age_years", "igf1_sds", "subtype"))
pytestmark = pytest.mark.filterwarnings("ignore:Duck is not one of igfstrat's models")


def test_fit_says_that_another_estimator_cannot_be_stored_and_nothing_is_written(cohort, tmp_path):
    X, y = cohort
    with pytest.warns(IgfstratWarning, match="Duck is not one of igfstrat's models.*can't be stored"):
        pipeline = make_risk_pipeline(SETTINGS, model=Duck()).fit(X, y)
    card = ModelCard(name="x", endpoint="dfs", time_unit="months")
    with pytest.raises(UsageError, match="can't be stored"):
        save_model(tmp_path / "m.json", pipeline, card)
    assert list(tmp_path.iterdir()) == []


def test_step_functions_become_probabilities_at_the_times_asked_for(cohort):
    X, y = cohort
    pipeline = make_risk_pipeline(SETTINGS, model=Duck()).fit(X, y)
    at = [0.0, 3.0, 24.0]
    found = pipeline.predict_survival_function(X, at)
    assert found.shape == (len(X), 3)
    expected = kaplan_meier(time=y["time"], event=y["event"]).at(at).survival
    np.testing.assert_allclose(found, np.tile(expected, (len(X), 1)), rtol=1e-14)
    age = X["age_years"].to_numpy()
    assert pipeline.score(X, y) == concordance(time=y["time"], event=y["event"], risk=age).value


def test_it_is_validated_as_our_own_models_are(cohort):
    X, y = cohort
    pipeline = make_risk_pipeline(SETTINGS, model=Duck())
    own = concordance(time=y["time"], event=y["event"], risk=X["age_years"].to_numpy()).value
    corrected = bootstrap_validation(pipeline, X, y, at=[12.0], n_resamples=5)
    assert corrected.n_failed == 0
    assert corrected.apparent["c_harrell"] == own
    assert abs(corrected.optimism["c_harrell"]) < 0.03  # nothing of the risk is learned
    crossed = nested_cross_validation(pipeline, X, y, at=[12.0], folds=3, n_resamples=5)
    assert abs(crossed.measures["ipa@12"].value) < 0.02


class Bounded:
    """A step function that raises outside its domain, as scikit-survival's does."""

    domain = (1.0, 20.0)

    def __call__(self, at):
        if (at < 1).any() or (at > 20).any():
            message = "x must be within [1.0; 20.0]"
            raise ValueError(message)
        return 1 - at / 100


def test_a_step_function_has_no_value_outside_its_domain():
    class Model:
        def predict_survival_function(self, X):
            return [Bounded() for _ in X]

    found = survival_of(Model(), [[0.0], [1.0]], [0.5, 1.0, 20.0, 21.0])
    np.testing.assert_array_equal(found, np.tile([np.nan, 0.99, 0.8, np.nan], (2, 1)))
