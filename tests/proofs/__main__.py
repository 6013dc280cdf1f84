"""`make proofs`: the proofs in full; their table goes into docs/validation.md."""

import re
import sys
import time
from pathlib import Path

from tests.proofs.survival import ALL

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
COHORTS = 2_000


def main():
    rows, good = [], True
    for proof in ALL:
        start = time.perf_counter()
        result = proof(COHORTS)
        good &= result.holds
        verdict = "holds" if result.holds else "FAILS"
        rows.append(
            f"| {result.claim} | {result.expected:g} ± {3 * result.standard_error:.4f} | {result.found:.4f} | {result.cohorts:,} | {verdict} |"
        )
        print(
            f"{result.claim}: {result.found:.4f} ({verdict}, {time.perf_counter() - start:.0f} s)", flush=True
        )
    table = "\n".join(
        ["| claim | expected, ± 3 standard errors | found | cohorts | |", "|---|---|---|---|---|", *rows]
    )
    text = PAGE.read_text(encoding="utf-8")
    marked = re.sub(
        r"(<!-- proofs -->\n).*?(\n<!-- /proofs -->)", lambda m: m[1] + table + m[2], text, flags=re.DOTALL
    )
    PAGE.write_text(marked, encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
