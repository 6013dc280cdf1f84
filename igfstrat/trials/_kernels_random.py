"""Random numbers without state: a word is a function of (seed, replicate, patient, variable) and of nothing else.

Every replicate has its own SplitMix64 stream, start and odd increment both hashed from the seed and the number of
the replicate, and a word of it is computed at its place without those before it. So results depend neither on
chunks, threads and processes, nor on how many replicates follow, and designs that meet the same screened
patient see the same patient (common random numbers).

References
----------
.. [1] Steele GL, Lea D, Flood CH. Fast splittable pseudorandom number generators. OOPSLA 2014:453-472.
"""

from __future__ import annotations

import math

import numpy as np

from igfstrat.trials._jit import compiled

WORDS = 8  # words reserved for one screened patient
EVENT, MARKER, ARRIVAL, DEATH, CROSSOVER = 0, 1, 2, 3, 4  # which word serves what

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_S27, _S30, _S31, _S32, _S11, _S33 = (np.uint64(k) for k in (27, 30, 31, 32, 11, 33))
_A, _B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_C, _D = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_ONE, _LOW = np.uint64(1), np.uint64(0xFFFFFFFF)


@compiled
def mix(z: np.uint64) -> np.uint64:
    """Finalizer of SplitMix64."""
    z = (z ^ (z >> _S30)) * _A
    z = (z ^ (z >> _S27)) * _B
    return z ^ (z >> _S31)


@compiled
def stream(seed: np.uint64, replicate: int) -> tuple[np.uint64, np.uint64]:
    """Start and odd increment of a replicate's stream."""
    start = mix(seed + np.uint64(replicate) * _GOLDEN)
    z = start ^ mix(~seed)
    z = (z ^ (z >> _S33)) * _C
    z = (z ^ (z >> _S33)) * _D
    return mix(start + _GOLDEN), (z ^ (z >> _S33)) | _ONE


@compiled
def word(start: np.uint64, step: np.uint64, patient: int, variable: int) -> np.uint64:
    """64 random bits of one variable of one screened patient."""
    return mix(start + step * np.uint64(WORDS * patient + variable))


@compiled
def unit(bits: np.uint64) -> float:
    """Uniform on the open interval (0, 1), from 53 bits."""
    return (np.float64(np.int64(bits >> _S11)) + 0.5) * 2.0**-53


@compiled
def high(bits: np.uint64) -> float:
    """Uniform on (0, 1) from the upper half of a word."""
    return (np.float64(np.int64(bits >> _S32)) + 0.5) * 2.0**-32


@compiled
def low(bits: np.uint64) -> float:
    """Uniform on (0, 1) from the lower half of a word."""
    return (np.float64(np.int64(bits & _LOW)) + 0.5) * 2.0**-32


@compiled
def exponential(bits: np.uint64) -> float:
    """Exponential with mean 1 by inversion."""
    return -math.log(unit(bits))
