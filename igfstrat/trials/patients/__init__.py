"""Who is treated, and with what effect.

::

    piecewise          PiecewiseHazard(starts, rates): .at .cumulative .survival .inverse .times
    _overall_survival  death after progression: from the hazards of a course to that of death
    hazards            make_hazard(settings) make_effect(pieces) make_cells(scenario) -> tuple[Cell, ...]
                       Cell(stratum, subgroup, share, control, experimental): share within its true stratum
                       mixture_survival(time, hazards, weights) mixture_hazard(time, hazards, weights)
    assay              make_assay(marker, *, time_unit, prevalence=None) -> Assay: .prevalence (truth) .test_positive
                       .sensitivity .specificity (failures counted in) .tests_per_patient .turnaround
                       n_screened(n, *, share, with_result) draw_prevalence(marker, rng, size) -> truth
"""
