"""What is counted over the trials of a design, and what is found of it.

::

    study      DesignResults StudyResults StudyPoint: what is found, frozen
    counts     Counts: over the trials of one design, block by block
    design     design_results(scenario, design, rules, counts, null) -> DesignResults
    adaptive   rows and counts of adaptive enrichment: who was selected, why trials were infeasible
    threshold  rows and counts of designs that choose a cut: which cut, whom it leaves, the effect above it
"""
