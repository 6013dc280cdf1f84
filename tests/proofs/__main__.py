"""`make proofs`: the proofs in full; their table goes into docs/validation.md."""

import re
import sys
import time
from functools import partial
from pathlib import Path

from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.synthetic import CohortConfig
from igfstrat.synthetic.calibration import calibrate, render_calibration
from tests.proofs.models import ALL as MODELS
from tests.proofs.models import MeanProof
from tests.proofs.report import ALL as REPORT
from tests.proofs.survival import ALL as SURVIVAL
from tests.proofs.synthetic import ALL as SYNTHETIC
from tests.proofs.synthetic import confounding_of_the_crude_test
from tests.proofs.trials import APPROXIMATION, REPLICATES, SCENARIOS, gap_of
from tests.proofs.trials_normal import ALL as MULTIPLICITY

DOCS = Path(__file__).parents[2] / "docs"
COHORTS = 2_000
CONFIGS = ("breast_early", "breast_metastatic", "lung_nsclc", "bone_metastatic")


def write_between(page, mark, text):
    """Replace what stands between two marks of a page."""
    path = DOCS / page
    pattern = rf"(<!-- {mark} -->\n).*?(\n<!-- /{mark} -->)"
    before = path.read_text(encoding="utf-8")
    path.write_text(re.sub(pattern, lambda m: m[1] + text + m[2], before, flags=re.DOTALL), encoding="utf-8")


def calibration():
    """Every claim of the packaged cohorts, and whether all of them hold."""
    configs = {n: make_config(CohortConfig, read_yaml(config_path(n, "cohorts"))) for n in CONFIGS}
    results = {name: calibrate(config, seed=1) for name, config in configs.items()}
    crude = confounding_of_the_crude_test(COHORTS)
    confounded = (
        f"Confounding, shown on purpose: without any effect of IGF-1R the crude log-rank test rejects in {100 * crude:.1f} % of "
        f"{COHORTS:,} cohorts of 3,000 at two-sided 5 %, since status follows subtype and subtype carries its own baseline."
    )
    write_between("synthetic.md", "calibration", f"{render_calibration(results, configs)}\n\n{confounded}")
    return all(result.holds for found in results.values() for result in found)


def drift_integral(_cohorts, *, name):
    """Simulated minus integrated power of one scenario."""
    gap, allowed = gap_of(name, REPLICATES)
    claim = f"power, simulated minus drift integral: {name}"
    return MeanProof(claim, 0.0, gap, REPLICATES, (allowed - APPROXIMATION) / 3, allowed)


TRIALS = tuple(partial(drift_integral, name=name) for name in SCENARIOS)


def main():
    rows, good = [], True
    for proof in (*SURVIVAL, *MODELS, *SYNTHETIC, *REPORT, *MULTIPLICITY, *TRIALS):
        start = time.perf_counter()
        result = proof(COHORTS)
        good &= result.holds
        verdict = "holds" if result.holds else "FAILS"
        rows.append(
            f"| {result.claim} | {result.expected:g} ± {getattr(result, 'allowed', None) or 3 * result.standard_error:.4f} | {result.found:.4f} | {result.cohorts:,} | {verdict} |"
        )
        print(
            f"{result.claim}: {result.found:.4f} ({verdict}, {time.perf_counter() - start:.0f} s)", flush=True
        )
    table = "\n".join(
        [
            "| claim | expected, ± 3 standard errors or what the claim allows | found | cohorts | |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )
    write_between("validation.md", "proofs", table)
    return 0 if calibration() and good else 1


if __name__ == "__main__":
    sys.exit(main())
