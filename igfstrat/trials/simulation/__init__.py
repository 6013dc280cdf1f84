"""From a scenario to simulated trials, block by block. Whether a trial would have stopped is decided in `designs`.

::

    population  make_population make_screening make_outcomes: a scenario as the arrays that the kernels take
    looks       make_looks make_test: when a design looks and what it tests, for the kernels
    threads     share_out: the trials of a block among the threads of a process
    engine      simulate_trials(scenario, design, *, seed, first, replicates) -> Trials; draw_patients
"""
