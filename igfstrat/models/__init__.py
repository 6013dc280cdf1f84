"""Risk models: so far the schema of their section in a plan."""

from igfstrat.models.settings import ModelSettings

__all__ = ["ModelSettings"]
