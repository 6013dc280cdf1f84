"""What numba compiles, when it is first called. Nothing here decides: kernels fill arrays that others judge.

::

    jit          how kernels are compiled, and kept for the next process
    normal       up to four correlated normals below one limit
    order        when a number of events is reached; times ascending
    random       numbers that are a function of (seed, replicate, patient, variable)
    statistics   of one look: risk tables, weighted log-rank, Cox, restricted means, milestones
    look         one population at one look
    deaths       death beside progression
    patients     who is screened and randomized, when, to which arm, and when the event comes
    permutation  p-values of one look by randomizing the arms anew
    trial        many trials of a design without adaptation
    adaptive     many trials whose enrolment changes after an interim
    threshold    many trials whose cut is chosen among candidates
    restricted   the rest of trials that went on above a cut only
"""
