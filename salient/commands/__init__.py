"""The commands: one module for each `salient VERB`."""
