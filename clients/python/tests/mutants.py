"""Removes the guards of the package one by one, and prints those that no test misses.

::

    python3 clients/python/tests/mutants.py [FILE …]

A guard is a ``raise``, a call that does nothing but raise, a step that has to come before another
one, or one condition of several that lead to a ``raise``. Each is removed in a copy of the package,
and the tests have to fail there. It takes a quarter of an hour, and COSIGNET as the tests do.
"""

from __future__ import annotations

import ast
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Union

TESTS = pathlib.Path(__file__).resolve().parent
SOURCE = TESTS.parent / "src"

#: Calls that stand alone and are guards: their names begin so.
GUARDS = ("_require", "require", "same_", "_take", "_sync_name", "fsync", "flock", "check")

#: The longest run of the tests, in seconds: a mutant that hangs has been noticed.
PATIENCE = 120

#: What no test can miss, and why.
HARMLESS = {
    ("_json.py", 'raise TypeError(f"{type(value).__name__} is no value of JSON")'): (
        "Every caller has a value of JSON."
    ),
    ("_lines.py", "fcntl.flock(file, fcntl.LOCK_UN)"): (
        "Closing gives it back as well, but for moments in which another thread starts a process."
    ),
    ("_lines.py", "raise NotImplementedError"): "Every journal has its own.",
    ("_steps.py", "raise NotImplementedError"): "Every task has its own.",
}


@dataclass(frozen=True)
class Mutant:
    """One guard, and what takes its place."""

    file: pathlib.Path
    line: int
    guard: str
    source: bytes


def mutants(file: pathlib.Path) -> Iterator[Mutant]:
    """All of a file."""
    source = file.read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node, instead in guards(ast.parse(source)):
        assert node.end_lineno is not None and node.end_col_offset is not None
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        guard = " ".join(source[begin:end].decode().split())
        if (file.name, guard) not in HARMLESS:
            mutated = source[:begin] + instead + source[end:]
            yield Mutant(file, node.lineno, guard, mutated)


Node = Union[ast.expr, ast.stmt]


def guards(tree: ast.AST) -> Iterator[tuple[Node, bytes]]:
    """Each guard, and what removes it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            yield node, b"pass"
        elif isinstance(node, ast.Expr):
            value = node.value
            if isinstance(value, ast.YieldFrom):
                yield node, b"yield from ()"
            elif isinstance(value, ast.Call) and name_of(value.func).startswith(GUARDS):
                yield node, b"pass"
        elif isinstance(node, ast.If) and ends_in_raise(node.body):
            yield from conditions(node.test)


def conditions(test: ast.expr) -> Iterator[tuple[Node, bytes]]:
    if isinstance(test, ast.BoolOp):
        neutral = b"False" if isinstance(test.op, ast.Or) else b"True"
        for one in test.values:
            yield one, neutral


def ends_in_raise(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Raise)


def name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def is_noticed(mutant: Mutant) -> bool:
    """Whether a test fails."""
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder, "src")
        shutil.copytree(SOURCE, copy)
        copy.joinpath(mutant.file.relative_to(SOURCE)).write_bytes(mutant.source)
        return any(fails(copy, module) for module in order(mutant.file.name))


def order(name: str) -> list[str]:
    """The modules of tests, first those that are likely to notice."""
    modules = sorted(path.stem for path in TESTS.glob("test_*.py"))
    first = {
        "_json.py": "test_payload",
        "_number.py": "test_payload",
        "payload.py": "test_payload",
        "journal.py": "test_journal",
        "_lines.py": "test_journal",
        "break_glass.py": "test_break_glass",
        "_glass.py": "test_break_glass",
        "_own.py": "test_own",
        "uses.py": "test_break_glass",
        "_verifier.py": "test_verifier",
        "_connection.py": "test_calls",
        "_http.py": "test_calls",
        "_members.py": "test_answers",
        "ask.py": "test_calls",
        "gate.py": "test_calls",
    }.get(name, "test_cases")
    modules.sort(key=lambda module: module != first)
    return modules


def fails(source: pathlib.Path, module: str) -> bool:
    command = [sys.executable, "-m", "unittest", "--failfast", module]
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("COSIGNET_GATE_FIXTURE", None)
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(
            command, cwd=TESTS, env=environment, stdout=quiet, stderr=quiet, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def main(names: list[str]) -> str | None:
    files = sorted(SOURCE.glob("cosignet_gate/*.py"))
    chosen = [SOURCE / "cosignet_gate" / name for name in names] or files
    unchanged = Mutant(files[0], 0, "nothing", files[0].read_bytes())
    if is_noticed(unchanged):
        return "the tests fail without any mutant"
    all_of_them = [mutant for file in chosen for mutant in mutants(file)]
    missed = []
    # The tests wait more than they work.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        for mutant, noticed in zip(all_of_them, pool.map(is_noticed, all_of_them)):
            if not noticed:
                missed.append(mutant)
            found = "missed" if noticed else "NOBODY MISSES"
            print(f"{mutant.file.name}:{mutant.line}: {found} {mutant.guard}", flush=True)
    print(f"{len(all_of_them)} guards were removed, and {len(missed)} of them nobody missed")
    return "each guard needs a test that fails without it" if missed else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
