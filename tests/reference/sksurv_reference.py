"""Numbers of scikit-survival for Brier score, AUC and Uno's concordance; it is no dependency of the tests.

In an environment that has scikit-survival and lifelines:

    python tests/reference/sksurv_reference.py

writes sksurv_reference.json beside this file. Two data sets: `regression` (no censoring ties with an event, so
that both conventions agree) and `lung` in whole days (some do).
"""

import json
from pathlib import Path

import numpy as np
import sksurv
from lifelines import datasets
from sksurv.metrics import brier_score, concordance_index_ipcw, cumulative_dynamic_auc, integrated_brier_score
from sksurv.util import Surv


def values(time, event, risk, at):
    y = Surv.from_arrays(event=event, time=time)
    predicted = np.exp(-np.outer(np.exp(risk - risk.mean()), at / np.median(time)) * 0.7)
    auc, mean = cumulative_dynamic_auc(y, y, risk, at)
    return {
        "brier": list(brier_score(y, y, predicted, at)[1]),
        "integrated_brier": float(integrated_brier_score(y, y, predicted, at)),
        "auc": list(auc),
        "mean_auc": float(mean),
        "uno": float(concordance_index_ipcw(y, y, risk, tau=float(at[-1]))[0]),
    }


def main():
    regression, lung = datasets.load_regression_dataset(), datasets.load_lung()
    out = {
        "versions": {"scikit-survival": sksurv.__version__},
        "regression": values(
            regression["T"].to_numpy(),
            regression["E"].to_numpy() == 1,
            regression["var1"].to_numpy(),
            np.array([3.0, 6.0, 10.0]),
        ),
        "lung": values(
            lung["time"].to_numpy(float),
            lung["status"].to_numpy() == 1,
            lung["age"].to_numpy() / 10,
            np.array([100.0, 250.0, 500.0]),
        ),
    }
    target = Path(__file__).with_name("sksurv_reference.json")
    target.write_text(json.dumps(out, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
