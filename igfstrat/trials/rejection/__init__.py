"""When a hypothesis is rejected: over several looks, of several hypotheses, in several stages.

::

    boundaries         make_boundaries(*, information, alpha, spending=None, futility=None) -> Boundaries
                       crossing_probabilities(*, upper, lower=None, drift, information) -> Crossing
    efficacy_table     efficacy boundaries at many levels at once, as sequential p-values need them
    correlated_levels  the levels of two correlated tests that use up their family's (Spiessens-Debois)
    multiplicity       reject(p_value (n, m), *, method, alpha, hypotheses, weights, transitions) -> bool (n, m)
    combination        make_combination(method, information, alpha, spending) -> Combination: .statistic .crosses
    closed_testing     Closure(hypotheses, method, weights, transitions) intersection_p_values reject_closed
"""
