"""The command line: Hydra, the check of configurations, `--help`. Only `commands` imports it."""
