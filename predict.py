"""`python predict.py ...` in a checkout is `salient predict ...`; `--help` says what it takes."""

from salient.commands.cli import run

if __name__ == "__main__":
    run("predict")
