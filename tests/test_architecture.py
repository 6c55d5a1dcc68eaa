"""The shape of the code: who may import whom, how long things may be, what is not done."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from sdui import docs

ROOT = Path(__file__).parent.parent
FILES = sorted([ROOT / "webui.py", *(ROOT / "sdui").rglob("*.py")])
BROAD_EXCEPTS = {
    "sdui/extensions/host.py": 1,  # an extension failed: the job's error names it
    "sdui/extensions/loader.py": 1,  # an extension cannot be loaded: it is named, the server starts
    "sdui/jobs/local.py": 1,  # building the engine failed: told to whoever asks for it
    "sdui/ui/extension_tabs.py": 1,  # an extension's tab failed: told in its place
    "sdui/jobs/queue.py": 1,  # a job's failure is the job's, not the queue's
}
"""The boundaries at which any error is caught, and how often."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def run(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("check", "."), ("format", "--check", ".")])
def test_ruff_is_content(arguments):
    run("ruff", *arguments)


def test_pyright_is_content():
    run("pyright", "--pythonpath", sys.executable)


def test_imports_go_one_way():
    code = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " kept, 0 broken" in done.stdout


def test_no_import_goes_in_a_circle():
    graph = grimp.build_graph("sdui", cache_dir=None)
    circles = [
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if graph.chain_exists(importer=imported, imported=module)
    ]
    assert circles == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_is_short_and_says_its_job(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 450
    assert not text or ast.get_docstring(parsed(path)), "the first line must be a docstring that says the file's job"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions_are_short(path):
    functions = [n for n in ast.walk(parsed(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    too_long = {f.name: length for f in functions if (length := f.end_lineno - f.lineno + 1) > 60}
    assert too_long == {}


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name != "compat"], ids=name_of)
def test_nothing_is_changed_from_outside(path):
    """Other programs' code is what sdui/compat is there to change."""
    tree = parsed(path)
    modules = imported_modules(tree)
    writes = [
        f"line {node.lineno}: {target.value.id}.{target.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id in modules
    ]
    writes += [f"line {node.lineno}: global" for node in ast.walk(tree) if isinstance(node, ast.Global)]
    assert writes == []


def imported_modules(tree: ast.Module) -> set[str]:
    """Every name bound by an import: modules, and classes and functions of other modules."""
    return {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def test_any_error_is_caught_only_at_the_named_boundaries():
    found = {}
    for path in FILES:
        broad = [n for n in ast.walk(parsed(path)) if isinstance(n, ast.ExceptHandler) and is_broad(n.type)]
        if broad:
            found[name_of(path)] = len(broad)
    assert found == BROAD_EXCEPTS


def is_broad(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(n is None or (isinstance(n, ast.Name) and n.id in ("Exception", "BaseException")) for n in names)


def test_parameter_pages_are_up_to_date():
    there = (ROOT / "docs/parameters.md").read_text(encoding="utf-8")
    assert there == docs.page(), "run: python -m sdui.docs > docs/parameters.md"
