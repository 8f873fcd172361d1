"""Bundles: scores in one file that can be written, checked and merged."""
