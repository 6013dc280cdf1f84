"""Stratify cancer patients by the insulin-like growth factor (IGF) axis. Research use only."""

__version__ = "0.1.0"
