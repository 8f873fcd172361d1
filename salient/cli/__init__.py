"""Runs a verb: Hydra, the checks of a config, `--help`. Only `commands` may know it."""
