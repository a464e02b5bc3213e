"""The check of pages finds what is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.pages import blocks
from tests.documents.running import PageRun

RIGHT = """
```python title="mine.py"
from shoal.rasp import *
doubled = tokens + tokens
vocab, max_seq_len = {"x", "y"}, 3
```

```python
import mine
word = mine.doubled(["a"])
```

```python
print(word)
```

prints

```text
['aa']
```

```console
$ shoal run mine.py:doubled x y
input  x  y
output xx yy
$ shoal run mine.py:tripled x
shoal: mine.py:tripled is no s-op (nothing of that name); the s-ops there: doubled
```
"""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_right_page_passes() -> None:
    PageRun("page").check(RIGHT)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("['aa']", "['ab']"),
        ("['aa']\n", "['aa']\nand more\n"),
        ("output xx yy", "output xx"),
        ("print(word)", "print(word, word)"),
        ("print(word)", "assert not word"),
        ("nothing of that name", "something"),
    ],
)
def test_a_wrong_page_fails(right: str, wrong: str) -> None:
    assert right in RIGHT
    with pytest.raises(AssertionError):
        PageRun("page").check(RIGHT.replace(right, wrong))


def test_a_program_that_prints_says_what() -> None:
    with pytest.raises(AssertionError):
        PageRun("page").check("```python\nprint(1)\n```\n")


def test_an_output_without_a_program_is_refused() -> None:
    with pytest.raises(ValueError, match="line 2"):
        list(blocks("```text\n1\n```\n"))


def test_a_command_that_cannot_be_run_has_no_output_to_check() -> None:
    with pytest.raises(AssertionError, match="cannot run ls"):
        PageRun("page").check("```console\n$ ls\nnothing\n```\n")
    PageRun("page").check("```sh\npip install shoal\n```\n")


def test_what_is_not_installed_is_left_out() -> None:
    run = PageRun("page")
    run.check("<!-- needs no_such_package -->\n```python\nimport no_such_package\n```\n")
    assert run.lacking == {"no_such_package"}
