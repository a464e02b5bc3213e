"""The command ``shoal``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from shoal.errors import ShoalError
from shoal.rasp.stock import STOCK
from shoal.targets.target import TARGETS
from shoal_cli.arguments import add_compile_options, add_limits, add_program, add_target
from shoal_cli.commands import compile_command, explain_command, run_command
from shoal_cli.compare_command import compare_command
from shoal_cli.endings import (
    INTERRUPTED,
    PIPE_CLOSED,
    CommandConsole,
    endable,
    forget_output,
    replace_what_cannot_be_encoded,
)
from shoal_cli.fuzz_command import add_fuzz_arguments, fuzz_command
from shoal_solvers import SOLVERS, AllocationError

_INTRODUCTION = """\
Compile RASP programs into transformers.

examples:
  shoal compile reverse                     what a compiled program looks like
  shoal run reverse a b c d                 run it
  shoal explain shuffle_dyck1               what each half-layer does
  shoal compile my_program.py:double --vocab 1 2 3 --max-seq-len 8

my_program.py:double runs the file my_program.py as Python does, with all that it does, and takes
the s-op named double; so name no file that you would not run.
"""

_COMPILE = """\
examples:
  shoal compile hist
  shoal compile sort --vocab 1 2 3 --max-seq-len 5 --save sort.safetensors
  shoal compile shuffle_dyck2 --passes none --allocator longest-path
  shoal compile my_program.py:double --vocab a b --max-seq-len 8 --causal

my_program.py:
  from shoal.rasp import *
  double = SequenceMap(lambda token, index: token * 2, tokens, indices)
"""

_RUN = """\
examples:
  shoal run reverse a b c d
  shoal run sort 3 1 2 --backend haiku
  shoal run sort.safetensors 3 1 2          a model that "shoal compile --save" wrote
"""

_EXPLAIN = """\
examples:
  shoal explain reverse
  shoal explain sort_freq --passes none --allocator longest-path --no-reuse
  shoal explain sort.safetensors            a model that "shoal compile --save" wrote
"""

_COMPARE = """\
examples:
  shoal compare                             all benchmark programs, all allocators
  shoal compare sort reverse --max-width 40 --allocators critical-path cp-sat
  shoal compare --ablation --totals         what each pass contributes
  shoal compare --json comparison.json      also --csv; "-" is standard output

columns: residual width, neurons of the widest MLP, heads of the fullest attention,
parameters, time of the allocator in ms, and which of the objectives (layers, width,
MLP, heads, total size) it has proven optimal.
"""

_FUZZ = """\
examples:
  shoal fuzz --programs 500                 random programs through every stage
  shoal fuzz --minutes 10 --seed 7 --stats  and what the programs look like
  shoal fuzz --programs 20000 --folder campaign --haiku 100
                                            Ctrl-C stops it; the same command resumes it

Every program runs in the interpreter, in craft and on the weights, and a share of them is
also recompiled, renamed, batched and compiled by every allocator. A failure is shrunk and
saved as a Python file that shows it. The exit code is 0 only if nothing failed.
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="shoal",
        description=_INTRODUCTION,
        epilog="stock programs:\n"
        + "\n".join(f"  {name:<16} {stock.summary}" for name, stock in STOCK.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compiler = _command(commands, "compile", "compile a program and report its size", _COMPILE)
    add_program(compiler)
    add_compile_options(compiler)
    compiler.add_argument("--save", metavar="FILE.safetensors", help="write the model to a file")
    compiler.set_defaults(run=compile_command)
    runner = _command(commands, "run", "run a program's transformer on an input", _RUN)
    add_program(runner)
    runner.add_argument("tokens", nargs="+", metavar="TOKEN", help="the input, without BOS")
    runner.add_argument(
        "--backend",
        default=next(iter(TARGETS)),
        choices=tuple(TARGETS),
        help="; ".join(f"{target.name}: {target.what}" for target in TARGETS.values()),
    )
    add_compile_options(runner)
    runner.set_defaults(run=run_command)
    explainer = _command(commands, "explain", "show what each half-layer does", _EXPLAIN)
    add_program(explainer)
    add_compile_options(explainer)
    explainer.set_defaults(run=explain_command)
    comparer = _command(commands, "compare", "compare allocators on programs", _COMPARE)
    comparer.add_argument("programs", nargs="*", metavar="PROGRAM", help="(default: the 15)")
    add_target(comparer)
    comparer.add_argument(
        "--allocators",
        nargs="+",
        metavar="NAME",
        help=f"(default: {', '.join(SOLVERS)}; with --ablation {SOLVERS[-1]} alone)",
    )
    comparer.add_argument(
        "--passes",
        nargs="+",
        default=["none", "all"],
        metavar="PASSES",
        help='sets of passes: "all", "none", or names with commas between (default: none all)',
    )
    comparer.add_argument(
        "--ablation",
        action="store_true",
        help="no passes, all but each one (-views), all, and all with each further one (+binary)",
    )
    comparer.add_argument("--totals", action="store_true", help="show the sums alone")
    comparer.add_argument("--json", metavar="FILE", help="write the figures as JSON")
    comparer.add_argument("--csv", metavar="FILE", help="write the figures as CSV")
    add_limits(comparer)
    comparer.set_defaults(run=compare_command)
    fuzzer = _command(commands, "fuzz", "attack the compiler with random programs", _FUZZ)
    add_fuzz_arguments(fuzzer)
    fuzzer.set_defaults(run=fuzz_command)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    examples: str,
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    replace_what_cannot_be_encoded()
    try:
        with endable():
            arguments = build_parser().parse_args(argv)
            code: int = arguments.run(arguments, CommandConsole(highlight=False))
            if sys.stdout is not None:  # it is None if it was closed from the start
                sys.stdout.flush()
            return code
    except (ShoalError, AllocationError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        forget_output()
        return PIPE_CLOSED
    except OSError as error:
        forget_output()
        return _fail(f"cannot write: {error.strerror or error}")
    except MemoryError:
        return _fail("out of memory; use a smaller vocab or a smaller --max-seq-len")


def _fail(message: str, code: int = 2) -> int:
    """Say on standard error what went wrong."""
    Console(stderr=True, highlight=False).print(
        f"shoal: {message}", style="red", markup=False, soft_wrap=True
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
