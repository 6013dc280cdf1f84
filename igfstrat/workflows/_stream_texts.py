"""Text of any row of a column whose text was let go, for a message."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from igfstrat.cohort._child import text_of


class FigureTexts(dict[int, str]):
    """Text of any row, by the figure that it has."""

    def __init__(self, figures: NDArray[np.float64]) -> None:
        super().__init__()
        self.figures = figures

    def __missing__(self, row: int) -> str:
        return str(text_of(float(self.figures[row])))


class WordTexts(dict[int, str]):
    """Text of any row, by the word that it has."""

    def __init__(self, ids: NDArray[np.int32], words: list[str]) -> None:
        super().__init__()
        self.ids, self.all_words = ids, words

    def __missing__(self, row: int) -> str:
        return str(self.all_words[int(self.ids[row])])
