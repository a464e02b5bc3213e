"""One compiler under fire, in a process and perhaps an environment of its own.

Run by ``tracr_under_fire`` as ``python fire_worker.py {tracr,shoal} FUNCTIONS``, where FUNCTIONS
is the file of functions that programs name. Reads a program per line from standard input and
answers with a line on standard output, both JSON; values travel as their ``repr``. Imports
nothing but the compiler, which is used through its public interface alone.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a compiler prints must not get between the answers
    try:
        compiler = {"tracr": _Tracr, "shoal": _Shoal}[sys.argv[1]](Path(sys.argv[2]))
        ready = {"ready": True}
    except ImportError as error:
        ready = {"ready": False, "message": str(error)}
    print(json.dumps(ready), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_examine(compiler, json.loads(line))), file=answers, flush=True)


class _Tracr:
    """Tracr, whose own evaluators are asked as well."""

    def __init__(self, functions: Path) -> None:
        from tracr.compiler import compiling
        from tracr.rasp import causal_eval, rasp

        self.names = {**vars(rasp), **_load(functions), "keep": lambda sop: sop}
        self._compile = compiling.compile_rasp_to_model
        self._causally = causal_eval.evaluate

    def evaluate(self, program: Any, tokens: list[Any], causal: bool) -> list[Any]:
        result = self._causally(program, tokens) if causal else program(tokens)
        return list(result)

    def compile(self, program: Any, case: dict[str, Any]) -> Callable[[list[Any]], list[Any]]:
        model = self._compile(
            program,
            vocab=set(case["vocab"]),
            max_seq_len=case["max_seq_len"],
            causal=case["causal"],
            compiler_bos="compiler_bos",
        )
        return lambda tokens: list(model.apply(["compiler_bos", *tokens]).decoded[1:])


class _Shoal:
    """Shoal with its default options."""

    def __init__(self, functions: Path) -> None:
        import shoal
        from shoal import rasp

        self.names = {**{n: getattr(rasp, n) for n in rasp.__all__}, **_load(functions)}
        self._compile = shoal.compile

    def evaluate(self, program: Any, tokens: list[Any], causal: bool) -> list[Any]:
        return list(program(tokens, causal=causal))

    def compile(self, program: Any, case: dict[str, Any]) -> Callable[[list[Any]], list[Any]]:
        options = {name: case[name] for name in ("vocab", "max_seq_len", "causal")}
        return self._compile(program, **options).run


def _load(path: Path) -> dict[str, Any]:
    """The functions of a file, which needs nothing but Python."""
    spec = importlib.util.spec_from_file_location("functions_of_programs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: f for name, f in vars(module).items() if callable(f)}


def _examine(compiler: Any, request: dict[str, Any]) -> dict[str, Any]:
    """How far a program gets: its results, or the stage at which it raised.

    Evaluations and results are lists with an entry for each input, None where that raises.
    """
    case = {**request, "vocab": ast.literal_eval(request["vocab"])}
    inputs = ast.literal_eval(request["inputs"])
    answer: dict[str, Any] = {"stage": "build"}
    try:
        program = _build(compiler.names, case["lines"])
        evaluated = [_attempt(compiler.evaluate, program, x, case["causal"]) for x in inputs]
        answer["evaluated"] = repr([values for values, _ in evaluated])
        answer["stage"] = "compile"
        start = time.perf_counter()
        run = compiler.compile(program, case)
        answer["seconds"] = time.perf_counter() - start
    except Exception as error:  # noqa: BLE001 - what is raised is what we want to know
        return answer | _described(error)
    results = [_attempt(run, tokens) for tokens in inputs]
    errors = [error for _, error in results if error is not None]
    answer |= {"stage": "run", "results": repr([values for values, _ in results])}
    return answer | (_described(errors[0]) if errors else {})


def _described(error: Exception) -> dict[str, str]:
    return {"error": type(error).__name__, "message": str(error)[:300]}


def _build(names: dict[str, Any], lines: list[list[str]]) -> Any:
    namespace = dict(names)
    for name, source in lines:
        namespace[name] = eval(source, namespace)
    return namespace[lines[-1][0]]


def _attempt(
    function: Callable[..., list[Any]], *arguments: Any
) -> tuple[list[Any] | None, Exception | None]:
    try:
        return _plain(function(*arguments)), None
    except Exception as error:  # noqa: BLE001 - as above
        return None, error


def _plain(values: list[Any]) -> list[Any]:
    """Values that can be read back from their ``repr``; anything else becomes a string."""
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    return [value if _is_readable(value) else f"<{value}>" for value in plain]


def _is_readable(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False


if __name__ == "__main__":
    main()
