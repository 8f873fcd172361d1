"""`python -m salient VERB ...` is `salient VERB ...`."""

from salient.commands.cli import main

if __name__ == "__main__":
    main()
