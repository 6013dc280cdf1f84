"""What knows no trial: probabilities, the recursion over looks, and sums that don't depend on how work was shared out.

::

    bivariate  both_below(first, second, correlation): two correlated standard normals
    regions    find_steps steps_probability: their probability in a region that grows in steps
    recursion  Recursion exit_probabilities upper_bound lower_bound: behind boundaries
    sums       Share Mean: over blocks of trials in their order
"""
