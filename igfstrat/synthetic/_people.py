"""Step 1, who: age, sex, body mass index, menopause, smoking, diabetes, contraceptive, site."""

from __future__ import annotations

from typing import Final

import numpy as np

from igfstrat.synthetic._draw import YES_NO, Columns, draw_codes, words
from igfstrat.synthetic.config import CohortConfig

# adults whom the reference tables of both analytes cover (E-a-01, E-a-02)
YOUNGEST, OLDEST = 25.0, 87.0
_LEANEST, _HEAVIEST = 15.0, 60.0
_SMOKING: Final = ("never", "former", "current")


def draw_people(config: CohortConfig, rng: np.random.Generator, n: int) -> Columns:
    """Columns of the people; menopause and contraceptives are those of women."""
    who = config.people
    age = np.clip(rng.normal(who.age_mean.value, who.age_sd.value, n), YOUNGEST, OLDEST).round(1)
    female = rng.random(n) < who.female.value / 100
    menopause = rng.normal(who.menopause_mean_age.value, who.menopause_sd_age.value, n)
    premenopausal = female & (age < menopause)
    never, former = who.never_smoked.value, who.formerly_smoked.value
    smoking = draw_codes(rng, (never, former, 100 - never - former), n)
    pill = premenopausal & (rng.random(n) < who.contraceptive.value / 100)
    status = np.where(female, np.where(premenopausal, 0, 1), 2)
    return {
        "age_years": age,
        "sex": words(("male", "female"), female.astype(np.intp)),
        "menopausal_status": words(("premenopausal", "postmenopausal", None), status),
        "bmi": np.clip(rng.normal(who.bmi_mean.value, who.bmi_sd.value, n), _LEANEST, _HEAVIEST).round(1),
        "smoking_status": words(_SMOKING, smoking),
        "diabetes": words(YES_NO, (rng.random(n) < who.diabetes.value / 100).astype(np.intp)),
        "oral_contraceptive": words(YES_NO, pill.astype(np.intp)),
        "site": words([f"site {i + 1}" for i in range(who.sites)], rng.integers(0, who.sites, n)),
    }
