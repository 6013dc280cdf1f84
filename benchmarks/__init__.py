"""Timings against the peers, in one run. Never a test."""
