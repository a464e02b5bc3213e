"""Where the command ``shoal`` begins; it can be interrupted even while it is still importing."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        from shoal_cli.main import main as run  # takes a moment, in which Ctrl-C may come

        return run()
    except KeyboardInterrupt:
        return _interrupted()
    except ImportError as error:
        if not _was_interrupted(error):
            raise
        return _interrupted()


def _was_interrupted(error: BaseException) -> bool:
    """Whether Ctrl-C came while an extension was loaded, which makes an ImportError of it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _interrupted() -> int:
    print("shoal: interrupted", file=sys.stderr)
    return 130


if __name__ == "__main__":
    sys.exit(main())
