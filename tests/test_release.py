"""What is released says one version, and dates that are dates."""

from __future__ import annotations

import datetime
import re
import tomllib
from pathlib import Path

import shoal

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version_is_in_one_place() -> None:
    assert shoal.__version__ in (PROJECT["version"], "unknown")
    for name in ("CITATION.cff", "README.md", "src/shoal/__init__.py"):
        assert PROJECT["version"] not in (ROOT / name).read_text(), name


def test_the_changelog_has_the_version_with_its_date() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    versions = [heading.split(" - ") for heading in headings[1:]]
    assert versions[0][0] == PROJECT["version"]
    dates = [datetime.date.fromisoformat(date) for _, date in versions]
    assert dates == sorted(dates, reverse=True)


def test_running_needs_jax_and_no_other_framework() -> None:
    needed = {re.split(r"[<>=~\[]", entry)[0] for entry in PROJECT["dependencies"]}
    assert needed >= {"jax", "dm-haiku"}  # programs for Tracr call apply
    assert needed.isdisjoint({"torch", "transformers", "onnx", "matplotlib"})
    assert needed.isdisjoint(re.split(r"[<>=~\[]", e)[0] for e in _extra("dev"))


def _extra(name: str) -> list[str]:
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    return extras[name]


def test_badges_say_what_the_project_says() -> None:
    readme = (ROOT / "README.md").read_text()
    python = PROJECT["requires-python"].removeprefix(">=") + " or later"
    for name, text in (("python", python), ("license", PROJECT["license"])):
        path = f"docs/images/badges/{name}.svg"
        assert f"![{name}: {text}]({path})" in readme
        assert f"<title>{name}: {text}</title>" in (ROOT / path).read_text()
