"""A score in one file: written, checked again, and merged with those of others."""
