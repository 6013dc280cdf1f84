"""The generated pages of the documentation; `python docs/generate.py` rewrites them, a test compares them."""

import json
from pathlib import Path

from igfstrat.features import REGISTRY
from igfstrat.schema import COLUMNS, ENDPOINTS, FLAG_CODES
from igfstrat.trials import Scenario
from igfstrat.units import MOLAR_MASS_KDA, UNIT_OF_SUFFIX

HERE = Path(__file__).parent


def flags_page():
    rows = "\n".join(f"| `{code}` | {title} |" for code, title in sorted(FLAG_CODES.items()))
    return f"""# Flags

A row's `flags` hold `code:column`, joined by `;`. What holds for the whole file is a notice, said once and kept in the manifest.

| code | meaning |
|---|---|
{rows}
"""


def columns_page():
    rows = []
    for column in COLUMNS.values():
        low, high = column.bounds
        bounds = f"{low:g}–{high:g}" if abs(low) != float("inf") and abs(high) != float("inf") else ""
        values = ", ".join(f"`{code}`" for code in column.codes) or bounds
        rows.append(f"| `{column.header}` | {column.title} | {column.kind} | {column.unit} | {values} |")
    suffixes = ", ".join(f"`_{suffix}` ({unit})" for suffix, unit in UNIT_OF_SUFFIX.items())
    masses = ", ".join(f"{name} {mass:g} kDa" for name, mass in MOLAR_MASS_KDA.items())
    endpoints = "\n".join(f"| `{name}` | {title} |" for name, title in ENDPOINTS.items())
    table = "\n".join(rows)
    return f"""# Columns

A header that follows this convention needs no map: the analyte, then its unit. Anything else goes through a cohort map (`igfstrat check COHORT --write-map map.yaml` drafts it).

Units of concentrations, as header suffixes: {suffixes}. Molar units need the mass of the molecule: {masses}.

| header | what | kind | unit | values |
|---|---|---|---|---|
{table}

## Endpoints

Each as `<endpoint>_months` (or `_days`, `_years`) and `<endpoint>_event`, 1 = event and 0 = censored (or TRUE and FALSE). Other codes pass only when a map declares which are events.

| endpoint | meaning |
|---|---|
{endpoints}
"""


def features_page():
    rows = []
    for name, spec in REGISTRY.items():
        inputs = ", ".join(f"`{COLUMNS[c].header}`" for c in spec.inputs)
        choice = " or ".join(f"`{COLUMNS[c].header}`" for c in spec.any_of)
        low, high = (f"{end:g}" for end in spec.bounds)
        values = ", ".join(f"`{word}`" for word in spec.words) or (
            "any" if low == "-inf" else f"{low} to {high}"
        )
        unit = {"code": "words", "1": ""}.get(spec.unit, spec.unit)
        needs = (
            "; ".join(part for part in (inputs, choice and f"one of {choice}") if part) or "other features"
        )
        rows.append(
            f"| `{name}` | {spec.title} | {needs} | {unit} | {values} | {', '.join(spec.evidence) or '–'} |"
        )
    table = "\n".join(rows)
    return f"""# Features

What igfstrat computes for a patient. A feature without its input is missing and never guessed; what a status rests on, its rule and its cut, is printed with every result. `igfstrat evidence` shows the entries that the last column names.

| feature | what | needs | unit | values | evidence |
|---|---|---|---|---|---|
{table}
"""


def scenario_schema():
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "igfstrat trial scenario"}
    return json.dumps(dialect | Scenario.model_json_schema() | dialect, indent=1, ensure_ascii=False) + "\n"


# packaged too, so that an editor finds it beside an installed igfstrat
SCHEMAS = {"scenario.schema.json": scenario_schema}

PAGES = {"flags.md": flags_page, "columns.md": columns_page, "features.md": features_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
    for name, schema in SCHEMAS.items():
        (HERE / "schemas").mkdir(exist_ok=True)
        for folder in (HERE / "schemas", HERE.parent / "igfstrat" / "data"):
            (folder / name).write_text(schema(), encoding="utf-8")
