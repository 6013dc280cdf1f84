"""The public data sets that R and igfstrat are compared on, as shipped by lifelines.

`tables()` brings each into one form: time, event, entry, weight, whole_weight, group (1..k), stratum,
cause (0 = censored) and covariates x1..x3. Entry, weights and cause are derived by rule where the data have
none, so that truncation, weights and competing risks are compared on real ties. Run as a program it writes
one csv a data set for `survival_reference.R`:

    python tests/reference/public_data.py DIR && Rscript tests/reference/survival_reference.R DIR
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import datasets


def _table(time, event, group, stratum, covariates, entry=None):
    time = np.asarray(time, dtype=float)
    event = np.asarray(event).astype(bool)
    n = len(time)
    row = np.arange(n)
    late = np.where(row % 3 == 0, time / 2, 0.0) - (row % 3 != 0)  # entry -1 = from the start
    table = pd.DataFrame(
        {
            "time": time,
            "event": event,
            "entry": late if entry is None else np.asarray(entry, dtype=float),
            "weight": 0.5 + (row % 4) / 3,
            "whole_weight": 1 + row % 3,
            "group": pd.factorize(pd.Series(group), sort=True)[0] + 1,
            "stratum": pd.factorize(pd.Series(stratum), sort=True)[0] + 1,
            "cause": np.where(event, 1 + (row * 7 % 5 < 2), 0),
        }
    )
    for i, column in enumerate(covariates):
        table[f"x{i + 1}"] = np.asarray(column, dtype=float)
    return table


def tables():
    """Table of each data set by name."""
    lung = datasets.load_lung().dropna(subset=["ph.ecog", "ph.karno", "inst"])
    rossi = datasets.load_rossi()
    gbsg2 = datasets.load_gbsg2()
    kidney = datasets.load_kidney_transplant()
    larynx = datasets.load_larynx()
    leukemia = datasets.load_leukemia()
    waltons = datasets.load_waltons()
    heart = datasets.load_stanford_heart_transplants()
    mental = datasets.load_psychiatric_patients()
    senators = datasets.load_canadian_senators()
    senators = senators[senators["diff_days"] > 0]
    leaders = datasets.load_dd()
    glioma = datasets.load_g3()
    regression = datasets.load_regression_dataset()
    stage = larynx["Stage_II"] + 2 * larynx["Stage_III"] + 3 * larynx["Stage_IV"]
    started = pd.to_datetime(senators["start_date"]).dt.year
    return {
        "lung": _table(
            lung["time"] / 30.4375,  # months: ties differ by rounding
            lung["status"] == 1,
            lung["sex"],
            lung["ph.ecog"] > 0,
            [lung["age"], lung["ph.ecog"], lung["ph.karno"]],
        ),
        "rossi": _table(
            rossi["week"],
            rossi["arrest"] == 1,
            rossi["fin"],
            rossi["race"],
            [rossi["age"], rossi["prio"], rossi["mar"]],
        ),
        "gbsg2": _table(
            gbsg2["time"],
            gbsg2["cens"] == 1,
            gbsg2["tgrade"],
            gbsg2["menostat"],
            [gbsg2["progrec"], gbsg2["pnodes"], gbsg2["horTh"] == "yes"],
        ),
        "kidney": _table(
            kidney["time"],
            kidney["death"] == 1,
            kidney["black_male"] + 2 * kidney["white_male"] + 3 * kidney["black_female"],
            kidney["age"] > 45,
            [kidney["age"], kidney["black_male"], kidney["white_male"]],
        ),
        "larynx": _table(
            larynx["time"],
            larynx["death"] == 1,
            stage,
            larynx["age"] > 65,
            [larynx["age"], stage > 1, larynx["Stage_IV"]],
        ),
        "leukemia": _table(
            leukemia["t"],
            leukemia["status"] == 1,
            leukemia["Rx"],
            leukemia["sex"],
            [leukemia["logWBC"], leukemia["Rx"]],
        ),
        "waltons": _table(
            waltons["T"],
            waltons["E"] == 1,
            waltons["group"],
            np.arange(len(waltons)) % 2,
            [waltons["group"] == "control"],
        ),
        "heart": _table(
            heart["stop"],
            heart["event"] == 1,
            heart["transplant"],
            heart["surgery"],
            [heart["age"], heart["year"], heart["transplant"]],
            entry=heart["start"],
        ),
        "mental": _table(
            mental["T"], mental["C"] == 1, mental["sex"], mental["Age"] > 30, [mental["Age"], mental["sex"]]
        ),
        "senators": _table(
            senators["diff_days"] / 365.25,
            senators["observed"],
            started // 50,
            senators["Province / Territory"] == "Quebec",
            [started, senators["Province / Territory"] == "Ontario"],
        ),
        "leaders": _table(
            leaders["duration"],
            leaders["observed"] == 1,
            leaders["un_continent_name"],
            leaders["start_year"] > 1980,
            [leaders["start_year"], leaders["democracy"] == "Democracy"],
        ),
        "glioma": _table(
            glioma["time"],
            glioma["event"],
            glioma["group"],
            glioma["histology"],
            [glioma["age"], glioma["sex"] == "Male"],
        ),
        "regression": _table(
            regression["T"],
            regression["E"] == 1,
            regression["var1"] > 1,
            regression["var2"] > 1,
            [regression["var1"], regression["var2"], regression["var3"]],
        ),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables().items():
        table.assign(event=table["event"].astype(int)).to_csv(
            folder / f"{name}.csv", index=False, float_format="%.17g"
        )
