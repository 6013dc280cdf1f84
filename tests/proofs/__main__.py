"""`make proofs`: the proofs in full, or the sections named; their tables go into docs/validation.md."""

import sys
import time
from functools import partial
from pathlib import Path

from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.synthetic import CohortConfig
from igfstrat.synthetic.calibration import calibrate, render_calibration
from tests.proofs.adaptive import NORMAL as ADAPTIVE_NORMAL
from tests.proofs.adaptive import PATIENTS as ADAPTIVE_PATIENTS
from tests.proofs.adaptive import SURVIVAL as ADAPTIVE_SURVIVAL
from tests.proofs.from_cohort import ALL as FROM_COHORT
from tests.proofs.killed import ALL as KILLED
from tests.proofs.models import ALL as MODELS
from tests.proofs.models import MeanProof
from tests.proofs.report import ALL as REPORT
from tests.proofs.survival import ALL as SURVIVAL
from tests.proofs.synthetic import ALL as SYNTHETIC
from tests.proofs.synthetic import confounding_of_the_crude_test
from tests.proofs.threshold import NORMAL as THRESHOLD_NORMAL
from tests.proofs.threshold import PATIENTS as THRESHOLD_PATIENTS
from tests.proofs.trials import APPROXIMATION, REPLICATES, SCENARIOS, gap_of
from tests.proofs.trials_error import ALL as ERROR
from tests.proofs.trials_error import TRIALS
from tests.proofs.trials_normal import ALL as MULTIPLICITY

DOCS = Path(__file__).parents[2] / "docs"
COHORTS = 2_000
CONFIGS = ("breast_early", "breast_metastatic", "lung_nsclc", "bone_metastatic")


def write_between(page, mark, text):
    """Replace what stands between two marks of a page, which must be there."""
    path = DOCS / page
    start, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    head, _, rest = path.read_text(encoding="utf-8").partition(start)
    _, closed, tail = rest.partition(end)
    assert closed, f"{page} has no place for {mark}"
    path.write_text(f"{head}{start}{text}\n{end}{tail}", encoding="utf-8")


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


# a section a table of docs/validation.md, so that one may be run and written without the others
SECTIONS = {
    "survival": SURVIVAL,
    "models": MODELS,
    "synthetic": SYNTHETIC,
    "report": REPORT,
    "multiplicity": MULTIPLICITY,
    "power": tuple(partial(drift_integral, name=name) for name in SCENARIOS),
    "from_cohort": FROM_COHORT,
    "killed": KILLED,
    "error": tuple(partial(proof, trials=TRIALS) for proof in ERROR),
    "adaptive_normal": ADAPTIVE_NORMAL,
    "adaptive": (*ADAPTIVE_SURVIVAL, *ADAPTIVE_PATIENTS),
    "threshold": (*THRESHOLD_NORMAL, *THRESHOLD_PATIENTS),
}
HEAD = (
    "| claim | expected, ± 3 standard errors or what the claim allows | found | cohorts, trials or draws | |"
)


def row(result):
    """A line of the table."""
    allowed = getattr(result, "allowed", None) or 3 * result.standard_error
    verdict = "holds" if result.holds else "FAILS"
    return f"| {result.claim} | {result.expected:.4g} ± {allowed:.4f} | {result.found:.4f} | {result.cohorts:,} | {verdict} |"


def worst(results):
    """Of claims that differ in the truth alone, which follows the semicolon, the one that is nearest to failing."""
    found = {}
    for result in results:
        name = result.claim.partition("; ")[0]
        excess = (result.found - result.expected) / result.standard_error
        if name not in found or excess > found[name][0]:
            found[name] = (excess, result)
    return [result for _, result in found.values()]


def run(section):
    """Write the table of a section; whether all of it holds."""
    results = []
    for proof in SECTIONS[section]:
        start = time.perf_counter()
        found = proof(COHORTS)
        for result in found if isinstance(found, list) else [found]:
            results.append(result)
            print(row(result), f"{time.perf_counter() - start:.0f} s", flush=True)
    table = "\n".join(
        [HEAD, "|---|---|---|---|---|", *map(row, worst(results) if section == "error" else results)]
    )
    write_between("validation.md", f"proofs: {section}", table)
    return all(result.holds for result in results)


def main(names):
    unknown = set(names) - set(SECTIONS) - {"calibration"}
    if unknown:
        print(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}, calibration")
        return 2
    wanted = names or [*SECTIONS, "calibration"]
    held = [calibration() if name == "calibration" else run(name) for name in wanted]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
