"""`python eval.py ...` in a checkout is `salient eval ...`; `--help` says what it takes."""

from salient.cli.main import run

if __name__ == "__main__":
    run("eval")
