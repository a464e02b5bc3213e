"""Where the command ``shoal`` begins; it can be interrupted even while it is still importing."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        from shoal_cli.main import main as run  # takes a moment, in which Ctrl-C may come

        return run()
    except KeyboardInterrupt:
        print("shoal: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
