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
from numpy.typing import NDArray

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.kernels.jit import bits_of, compiled, float_of

WORDS = 8  # words reserved for one screened patient
EVENT, MARKER, ARRIVAL, DEATH, CROSSOVER = 0, 1, 2, 3, 4  # which word serves what

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_S27, _S30, _S31, _S32, _S11, _S33 = (np.uint64(k) for k in (27, 30, 31, 32, 11, 33))
_A, _B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_C, _D = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_ONE, _LOW = np.uint64(1), np.uint64(0xFFFFFFFF)

_ROOT_HALF = int(np.float64(math.sqrt(0.5)).view(np.int64))
_LOG_2 = math.log(2.0)
_T3, _T5, _T7, _T9, _T11, _T13, _T15, _T17, _T19 = (2.0 / k for k in range(3, 20, 2))


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
def low_bits(bits: np.uint64) -> np.int64:
    """Lower half of a word as a whole number."""
    return np.int64(bits & _LOW)


@compiled
def low(bits: np.uint64) -> float:
    """Uniform on (0, 1) from the lower half of a word."""
    return (np.float64(low_bits(bits)) + 0.5) * 2.0**-32


@compiled
def negative_log(x: float) -> float:
    """-log(x) for x in (0, 1], within 3 units in the last place: no call and no branch, so loops are vectorised."""
    bits = bits_of(x)
    exponent = (bits - _ROOT_HALF) >> 52
    mantissa = float_of(bits - (exponent << 52))  # between the roots of 1/2 and 2
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    # 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...), |s| < 0.172: the first term left out is below 2e-17 of the sum
    tail = _T13 + z * (_T15 + z * (_T17 + z * _T19))
    tail = _T3 + z * (_T5 + z * (_T7 + z * (_T9 + z * (_T11 + z * tail))))
    return -(exponent * _LOG_2 + (2.0 * s + s * z * tail))


@compiled
def exponential(bits: np.uint64) -> float:
    """Exponential with mean 1 by inversion."""
    return negative_log(unit(bits))


@compiled
def invert(exposure: float, starts: FloatArray, cumulative: FloatArray, hazard: FloatArray) -> float:
    """Time at which a cumulative piecewise-constant hazard reaches an exponential draw; infinite if never."""
    k, beyond = 0, len(starts)
    while beyond - k > 1:  # the last piece that begins below; a flat one before it is no answer
        middle = (k + beyond) // 2
        if cumulative[middle] < exposure:
            k = middle
        else:
            beyond = middle
    return starts[k] + (exposure - cumulative[k]) / hazard[k] if hazard[k] > 0.0 else np.inf


@compiled
def fill_words(
    start: np.uint64, step: np.uint64, first: int, n: int, variable: int, out: NDArray[np.uint64]
) -> None:
    """One variable's words of n screened patients in a row."""
    base = start + step * np.uint64(WORDS * first + variable)
    stride = step * np.uint64(WORDS)
    for i in range(n):
        out[i] = mix(base + stride * np.uint64(i))


@compiled
def fill_exponentials(
    start: np.uint64, step: np.uint64, patient: IntArray, n: int, variable: int, out: FloatArray
) -> None:
    """Exponentials with mean 1 from one variable's words of the first n patients listed."""
    base = start + step * np.uint64(variable)
    stride = step * np.uint64(WORDS)
    for i in range(n):
        out[i] = exponential(mix(base + stride * np.uint64(patient[i])))
