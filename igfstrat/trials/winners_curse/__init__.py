"""The winner's curse: subgroups looked at by the dozen, and what the trial that confirms then shows.

::

    settings      the section `winners_curse`
    results       WinnersCurse: what is found, frozen
    _closed_form  normal log hazard ratios with the reported standard error
    _patients     small trials patient by patient
    simulation    read_winners_curse make_winners_curse simulate_winners_curse(settings, ...) -> WinnersCurse
"""
