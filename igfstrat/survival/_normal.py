"""Probability that the largest of several correlated standard normals exceeds a bound.

The tests that it serves are linear combinations of few weights (1, S and S² span the usual ones), so the
correlation has rank 3 or less and the probability is an integral over that many dimensions: the innermost
in closed form, the next by Gauss quadrature between the corners of the polygon, the outermost adaptively.
Beyond rank 3 the randomized lattice rule of scipy is used with a fixed seed.

References
----------
.. [1] Genz A, Bretz F. Computation of Multivariate Normal and t Probabilities. Springer 2009.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from igfstrat.survival._types import FloatArray

_REACH = 9.0  # beyond it a standard normal holds less than 1e-18
_RANK_TOLERANCE = 1e-10
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(12)
_LATTICE_POINTS, _LATTICE_SEED = 5_000_000, 20160


def outside_probability(correlation: FloatArray, bound: float, *, two_sided: bool) -> float:
    """Probability of any variable beyond a bound.

    Parameters
    ----------
    correlation : ndarray of float, shape (m, m)
        Correlations; may lack rank.
    bound : float
        The bound.
    two_sided : bool
        Whether absolute values are meant.

    Returns
    -------
    float
        1 - P(all within the bound), in [0, 1]; error below 1e-8 up to rank 3.
    """
    if two_sided and bound <= 0:
        return 1.0
    values, vectors = np.linalg.eigh(correlation)
    used = values > _RANK_TOLERANCE * values[-1]
    loading = vectors[:, used] * np.sqrt(values[used])
    rank = loading.shape[1]
    if rank > 3:
        return _by_lattice(correlation, bound, two_sided)
    # turned, so that no variable lies along a coordinate; padded to three dimensions
    turn = np.linalg.qr(np.vander(np.arange(1.0, rank + 1), increasing=True) + np.eye(rank))[0]
    rows = np.zeros((len(loading), 3))
    rows[:, 3 - rank :] = loading @ turn
    if two_sided:
        rows = np.vstack((rows, -rows))
    if rank < 3:
        return float(np.clip(1 - _inside_polygon(np.zeros(len(rows)), rows[:, 1:], bound), 0, 1))
    return float(np.clip(1 - _inside_solid(rows, bound), 0, 1))


def _inside_solid(rows: FloatArray, bound: float) -> float:
    from scipy.integrate import quad

    def slice_at(y: float) -> float:
        density = np.exp(-y * y / 2) / np.sqrt(2 * np.pi)
        return float(density * _inside_polygon(rows[:, 0] * y, rows[:, 1:], bound))

    total = 0.0
    for low, high in ((-_REACH, -2.0), (-2.0, 0.0), (0.0, 2.0), (2.0, _REACH)):
        total += quad(slice_at, low, high, epsabs=1e-10, epsrel=1e-10, limit=200, full_output=1)[0]
    return total


def _inside_polygon(offset: FloatArray, rows: FloatArray, bound: float) -> float:
    """P(offset + rows @ (u, v) <= bound for all rows), u and v independent standard normals."""
    slope, depth = rows[:, 0], rows[:, 1]
    room = bound - offset
    flat = np.abs(depth) < 1e-12
    steep = ~flat
    lines = np.column_stack((room[steep] / depth[steep], -slope[steep] / depth[steep]))  # v = a + b u
    corners = _crossings(lines, room[flat], slope[flat])
    edges = np.unique(np.clip(np.concatenate((corners, np.arange(-_REACH, _REACH + 1))), -_REACH, _REACH))
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    u = (middle[:, None] + half[:, None] * _NODES).ravel()
    weight = (half[:, None] * _NODE_WEIGHTS).ravel() * np.exp(-u * u / 2) / np.sqrt(2 * np.pi)
    v = lines[:, :1] + lines[:, 1:] * u
    above = depth[steep] > 0
    upper = v[above].min(axis=0, initial=np.inf)
    lower = v[~above].max(axis=0, initial=-np.inf)
    inside = np.maximum(ndtr(upper) - ndtr(lower), 0.0)
    if flat.any():
        inside = np.where((slope[flat, None] * u <= room[flat, None]).all(axis=0), inside, 0.0)
    return float(weight @ inside)


def _crossings(lines: FloatArray, room: FloatArray, slope: FloatArray) -> FloatArray:
    i, j = np.triu_indices(len(lines), 1)
    across = lines[i, 1] - lines[j, 1]
    meets = np.abs(across) > 1e-12
    corners = (lines[j, 0] - lines[i, 0])[meets] / across[meets]
    upright = np.abs(slope) > 1e-12
    return np.concatenate((corners, room[upright] / slope[upright]))


def _by_lattice(correlation: FloatArray, bound: float, two_sided: bool) -> float:
    from scipy.stats import multivariate_normal

    m = len(correlation)
    inside = multivariate_normal.cdf(
        np.full(m, bound),
        mean=np.zeros(m),
        cov=correlation,
        allow_singular=True,
        maxpts=_LATTICE_POINTS,
        abseps=1e-7,
        releps=1e-7,
        lower_limit=np.full(m, -bound if two_sided else -np.inf),
        rng=np.random.default_rng(_LATTICE_SEED),
    )
    return float(np.clip(1 - inside, 0, 1))
