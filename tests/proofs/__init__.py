"""Proofs by simulation: properties that only many cohorts show."""
