"""Numbers as people read them; every format of a report uses these and no others."""

from __future__ import annotations

from igfstrat.analysis import Estimate

DASH = "–"


def format_number(value: float | None, digits: int = 2) -> str:
    """A number with fixed decimals.

    Parameters
    ----------
    value : float or None
        None where there is none.
    digits : int
        Decimals.

    Returns
    -------
    str
        A dash for None.

    Examples
    --------
    >>> format_number(0.8522, 2), format_number(None)
    ('0.85', '–')
    """
    return DASH if value is None else f"{value:.{digits}f}".replace("-", "−")


def format_p(p: float | None) -> str:
    """A p-value.

    Parameters
    ----------
    p : float or None
        None where there is none.

    Returns
    -------
    str
        Three decimals below 0.1, two above, never 0.

    Examples
    --------
    >>> format_p(0.00001), format_p(0.0312), format_p(0.5)
    ('< 0.001', '0.031', '0.50')
    """
    if p is None:
        return DASH
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"


def format_interval(
    estimate: Estimate, digits: int = 2, *, scale: float = 1.0, open_end: str = "n.r."
) -> str:
    """An estimate with its interval.

    Parameters
    ----------
    estimate : Estimate
        The number.
    digits : int
        Decimals.
    scale : float
        Factor, such as 100 for percent.
    open_end : str
        What stands for a limit that isn't reached.

    Returns
    -------
    str
        ``0.85 (0.70–1.03)``; a dash where there is no estimate.

    Examples
    --------
    >>> format_interval(Estimate(value=0.8522, ci_lower=0.7043, ci_upper=1.0310))
    '0.85 (0.70–1.03)'
    """
    if estimate.value is None and estimate.ci_lower is None:
        return DASH
    value, low, high = (
        format_number(v * scale, digits) if v is not None else open_end
        for v in (estimate.value, estimate.ci_lower, estimate.ci_upper)
    )
    # a dash between negative numbers reads as one more minus
    between = " to " if "−" in low + high or open_end in {low, high} else "–"
    return f"{value} ({low}{between}{high})"


def format_months(months: float) -> str:
    """A time in the largest unit that keeps it whole.

    Parameters
    ----------
    months : float
        Time in months.

    Returns
    -------
    str
        Years where they are whole, else months.

    Examples
    --------
    >>> format_months(12.0), format_months(36.0), format_months(18.0)
    ('1 year', '3 years', '18 months')
    """
    years = months / 12
    if years.is_integer():
        return f"{years:.0f} year{'s' if years != 1 else ''}"
    return f"{months:g} months"


def format_label(code: str) -> str:
    """A code as a word.

    Parameters
    ----------
    code : str
        A canonical code, or text of the cohort, which stays as it is.

    Returns
    -------
    str
        Words.

    Examples
    --------
    >>> format_label("luminal_a"), format_label("her2_enriched"), format_label("high")
    ('Luminal A', 'HER2-enriched', 'High')
    """
    known = {"luminal_a": "Luminal A", "luminal_b": "Luminal B", "luminal_her2": "Luminal HER2",
             "her2_enriched": "HER2-enriched", "triple_negative": "Triple-negative", "basal_like": "Basal-like",
             "normal_like": "Normal-like", "claudin_low": "Claudin-low", "high": "High", "low": "Low",
             "positive": "Positive", "negative": "Negative"}  # fmt: skip
    return known.get(code, code)
