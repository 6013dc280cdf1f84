"""Write a model file of the present schema with its predictions: once for each schema, before it is released.

    python tests/models/data/store_model.py

The file has a stated reliability, a predictor with values beyond a limit, words, a gap and a stratum. Predictions are
stored as hexadecimal floats, to the last bit.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
AT = [3.0, 12.0, 30.0]


def hexed(values):
    return [float(value).hex() for value in np.ravel(values)]


def predictions(loaded, rows):
    """What is stored beside a model: rows, and what it says of them."""
    text = rows.to_json(orient="records", double_precision=15)
    rows = pd.DataFrame(json.loads(text))  # as a reader of the file has them
    found = {
        "risk": hexed(loaded.pipeline.predict(rows)),
        "median": hexed(loaded.pipeline.predict_median(rows)),
        "survival": hexed(loaded.pipeline.predict_survival_function(rows, AT)),
    }
    return {"rows": json.loads(text), "at": AT, **found}


def store(path, rows):
    from igfstrat.models import load_model

    text = json.dumps(predictions(load_model(path), rows), indent=1) + "\n"
    path.with_name(f"{path.stem}_predictions.json").write_text(text, encoding="ascii")


def main():
    from igfstrat.models import CoxModel, DesignMatrix, ModelCard, RiskPipeline, save_model
    from igfstrat.models._document import SCHEMA
    from tests.models.conftest import cohort_of

    X, y = cohort_of()  # noqa: N806 - scikit-learn's name
    X["igf1_sds_lower"] = X["igf1_sds"].where(X["igf1_sds"] > -1)
    X["igf1_sds_upper"] = X["igf1_sds"].clip(lower=-1)
    X.loc[::17, "igf1r_status"] = None
    X["site"] = np.where(np.arange(len(X)) % 3 == 0, "north", "south")
    design = DesignMatrix(
        ["igf1_sds", "igf1r_status", "subtype", "age_years"], words="own_level", numbers="median", strata=("site",),
        censored_normal={"igf1_sds": "linear"},
    )  # fmt: skip
    model = CoxModel(strata=("site",), reliability={"igf1_sds": 0.8})
    pipeline = RiskPipeline([("design", design), ("model", model)]).fit(X, y)
    path = HERE / f"model_schema_{SCHEMA.rpartition('/')[2]}.json"
    save_model(path, pipeline, ModelCard(name="test", endpoint="dfs", time_unit="months", horizons=(12.0,)))
    store(path, X.head(12).round(12))


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[2]))
    main()
