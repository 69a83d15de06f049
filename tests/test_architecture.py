"""The house stays in order: imports run downhill, nobody walks in circles, files stay readable."""

import ast
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
# What each part may import of ours; wiring (settings, urls, celery, wsgi, asgi) is imported by nobody.
FLOOR = {  # single modules without models, on which everybody may stand
    "picum.env",
    "picum.keyset",
    "picum.links",
    "picum.logs",
    "picum.smtp",
    "picum.localising",
    "picum.richtext",
    "picum.plaintext",
    "picum.csvfile",
    "picum.spreadsheet",
    "picum.plots",
    "picum.addresses",
    "picum.doorbell",
    "picum.network",
    "picum.stranger",
    "picum.wire",
    "picum.alternates",
    "picum.mail",
}
MAY_IMPORT = {
    **dict.fromkeys(FLOOR, FLOOR),
    "picum.checks": FLOOR,
    "picum.letters": FLOOR,
    "picum.accounts": {"picum.letters", *FLOOR},
    "picum.areas": {"picum.accounts", *FLOOR},
    "picum.mailbox": FLOOR,
    "newsletter": {"picum.accounts", "picum.areas", "picum.letters", *FLOOR},
    "members": {"picum.accounts", "picum.areas", "picum.letters", *FLOOR},
    "picum.chaos": {"newsletter", "picum.accounts", *FLOOR},
    "picum.pages": {
        "picum.checks",
        "newsletter",
        "members",
        "picum.accounts",
        "picum.areas",
        "picum.letters",
        "picum.mailbox",
        *FLOOR,
    },
}
# All that one part may know of another that stands beside it.
DOORS = {"members": {"newsletter.subscriptions", "newsletter.contributions", "newsletter.circulars"}}
WIRING = {"picum.settings", "picum.urls", "picum.celery", "picum.wsgi", "picum.asgi"}
LONGEST = 400


def sources() -> dict[str, Path]:
    """Module name → file, of all our own code."""
    found = {}
    for top in ("picum", "newsletter", "members"):
        for path in (ROOT / top).rglob("*.py"):
            if "migrations" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


SOURCES = sources()


@cache
def import_statements(module: str, *, top_level_only: bool) -> list[ast.Import | ast.ImportFrom]:
    tree = ast.parse(SOURCES[module].read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    return [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]


def imports(module: str, *, top_level_only: bool = False) -> set[str]:
    """The modules of ours that a module imports, wherever in it."""
    named: set[str] = set()
    for node in import_statements(module, top_level_only=top_level_only):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                longer = f"{node.module}.{alias.name}"
                named.add(longer if longer in SOURCES else node.module)
    return {name for name in named if name.split(".")[0] in {"picum", "newsletter", "members"}}


def part(module: str) -> str | None:
    """The longest key of MAY_IMPORT that a module belongs to."""
    fitting = [key for key in MAY_IMPORT if module == key or module.startswith(f"{key}.")]
    return max(fitting, key=len, default=None)


@pytest.mark.parametrize("module", sorted(SOURCES.keys() - WIRING - {"picum"}))
def test_imports_run_downhill(module):
    home = part(module)
    assert home, f"{module} belongs to no part of the house"
    for imported in imports(module):
        assert imported not in WIRING, f"{module} imports the wiring {imported}"
        if part(imported) != home and imported not in DOORS.get(home, set()):
            assert part(imported) in MAY_IMPORT[home], f"{module} imports {imported}"


def test_no_module_imports_itself_by_a_detour():
    graph = {module: imports(module, top_level_only=True) & SOURCES.keys() for module in SOURCES}
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join([*path[path.index(module) :], module])
        if module not in finished:
            for imported in graph[module]:
                # A package's own face may gather its parts, and the parts may use one another.
                if not imported.startswith(f"{module}.") and not module.startswith(f"{imported}."):
                    visit(imported, (*path, module))
            finished.add(module)

    for module in graph:
        visit(module, ())


def test_foreign_keys_run_downhill():
    for model in apps.get_models():
        home = part(model.__module__)
        if not home:
            continue
        for field in model._meta.get_fields():
            if field.is_relation and field.concrete and field.related_model:
                target = part(field.related_model.__module__)
                assert target in {None, home} | MAY_IMPORT[home], f"{model.__name__}.{field.name}"


def test_every_file_can_be_read_in_one_sitting():
    long = {name: lines for name, path in SOURCES.items() if (lines := len(path.read_text().splitlines())) > LONGEST}
    assert long == {}
