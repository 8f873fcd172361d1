"""`python -m salient VERB ...` is `salient VERB ...`."""

import sys

from salient.cli.main import main

if __name__ == "__main__":
    # Lightning starts further processes of a run by `python -m` this name, or without one by ARGV.
    sys.modules["__main__"].__spec__ = None
    main()
