"""El flujo de integración continua: acciones fijadas, permisos mínimos y órdenes que existen."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from herramientas import missing_tool, require_tool

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BOOK = ROOT / ".github" / "workflows" / "libro.yml"
# Lo único que puede escribir cada trabajo.
WRITES = {"sitio": {"pages", "id-token"}, "cuadernos": {"contents"}}


def targets(makefile: str) -> set[str]:
    """Los objetivos de un Makefile."""
    return set(re.findall(r"(?m)^([a-z][\w-]*):(?!=)", makefile))


def workflow_problems(text: str, known_targets: set[str]) -> list[str]:
    """Lo que un flujo no debe tener."""
    problems = [
        f"la acción debe fijarse con su commit completo y la versión al lado: {line.strip()}"
        for line in text.splitlines()
        if re.search(r"\buses:", line) and not re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)
    ]
    workflow = yaml.safe_load(text)
    if workflow.get("permissions") != {}:
        problems.append("el flujo no debe dar permisos: los pide cada trabajo (permissions: {})")
    for name, job in workflow["jobs"].items():
        problems += [f"{name}: {problem}" for problem in _job_problems(name, job, known_targets)]
    return problems


def _job_problems(name: str, job: dict, known_targets: set[str]) -> list[str]:
    permissions = job.get("permissions")
    if not isinstance(permissions, dict):
        return ["falta «permissions» con lo mínimo que necesita"]
    problems = []
    writes = {scope for scope, level in permissions.items() if level == "write"}
    if writes - WRITES.get(name, set()):
        problems.append(f"no necesita escribir en {sorted(writes - WRITES.get(name, set()))}")
    if "timeout-minutes" not in job:
        problems.append("falta «timeout-minutes»")
    if writes and (job.get("if") != "github.ref == 'refs/heads/main'" or "probar" not in job.get("needs", [])):
        problems.append("escribe: solo en main y después de probar")
    for step in job["steps"]:
        if "actions/checkout@" in step.get("uses", "") and step.get("with", {}).get("persist-credentials") is not False:
            problems.append("checkout deja la credencial en disco: persist-credentials: false")
        called = re.findall(r"(?m)^\s*make ([\w-]+)", step.get("run", ""))
        problems += [f"«make {target}» no existe" for target in called if target not in known_targets]
    return problems


TARGETS = targets((ROOT / "Makefile").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_has_no_problems(path: Path) -> None:
    assert workflow_problems(path.read_text(encoding="utf-8"), TARGETS) == []


def test_makefile_targets_are_found() -> None:
    assert {"html", "serve", "notebooks", "pdf", "epub", "test", "bench", "clean", "herramientas"} <= TARGETS


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        (r"checkout@[0-9a-f]{40} # v[\d.]+", "checkout@v6", "debe fijarse con su commit completo"),
        (r"(checkout@[0-9a-f]{40}) # v[\d.]+", r"\1", "debe fijarse con su commit completo"),
        (r"(checkout@[0-9a-f]{39})[0-9a-f]", r"\1", "debe fijarse con su commit completo"),
        (r"permissions: \{\}", "permissions: write-all", "el flujo no debe dar permisos"),
        (r"    permissions:\n      contents: read\n", "", "probar: falta «permissions»"),
        (r"contents: read", "contents: write", "probar: no necesita escribir en ['contents']"),
        (r"pages: write", "packages: write", "sitio: no necesita escribir en ['packages']"),
        (r"persist-credentials: false", "fetch-depth: 1", "checkout deja la credencial"),
        (r"run: make test", "run: make prueba", "«make prueba» no existe"),
        (r"    timeout-minutes: 90\n", "", "probar: falta «timeout-minutes»"),
        (r"    if: github.ref == 'refs/heads/main'\n    needs", "    needs", "sitio: escribe: solo en main"),
        (r"needs: \[probar, otras-versiones\]", "needs: [otras-versiones]", "sitio: escribe: solo en main"),
    ],
)
def test_planted_fault_is_found(pattern: str, replacement: str, message: str) -> None:
    text = BOOK.read_text(encoding="utf-8")
    changed = re.sub(pattern, replacement, text, count=1)
    assert changed != text
    assert message in "\n".join(workflow_problems(changed, TARGETS))


def test_it_runs_what_the_local_script_runs() -> None:
    """La integración del repositorio y .ci/run llaman a las mismas órdenes."""
    commands = [step.get("run", "") for step in yaml.safe_load(BOOK.read_text())["jobs"]["probar"]["steps"]]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [c for c in commands if c.startswith("make")] == re.findall(r"(?m)^make .*$", script)


def test_the_branch_is_the_one_the_site_links_to() -> None:
    source = (ROOT / "book" / "_ext" / "sitio.py").read_text(encoding="utf-8")
    [branch] = re.findall(r'(?m)^NOTEBOOK_BRANCH = "(\w+)"', source)
    workflow = yaml.safe_load(BOOK.read_text(encoding="utf-8"))
    assert workflow[True]["push"]["branches-ignore"] == [branch]  # YAML 1.1 lee «on» como True
    assert f'git push --quiet --force "$REMOTO" {branch}\n' in publish_script()


# --- Lo que dice actionlint -----------------------------------------------------------------------------------------

ACTIONLINT = ROOT / ".herramientas" / "package" / "build" / "run-lint.js"
FAULTS = [
    ("github.ref ==", "github.reff ==", 'property "reff" is not defined'),
    ("${{ github.sha }}", "${{ github.sha }", "[expression]"),
    ("needs: [probar,", "needs: [probarr,", 'needs job "probarr" which does not exist'),
    ("runs-on: ubuntu-24.04", "runs-on: ubuntu-24.4", 'label "ubuntu-24.4" is unknown'),
    ("contents: read", "contents: leer", '"leer" is invalid for permission'),
    ("    steps:", "    pasos:", 'unexpected key "pasos"'),
    ("    steps:", "\tsteps:", "[syntax-check]"),
    ("steps.publicar.outputs", "steps.publica.outputs", 'property "publica" is not defined'),
]


@pytest.fixture(scope="module")
def actionlint() -> Callable[[list[str]], list[list[str]]]:
    """actionlint: de unos flujos, los problemas de cada uno."""
    node = require_tool("node", "make herramientas")
    if not ACTIONLINT.exists():
        missing_tool("actionlint", "make herramientas")

    def lint(texts: list[str]) -> list[list[str]]:
        run = subprocess.run(
            [node, ROOT / "tests" / "actionlint.cjs", ACTIONLINT],
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return [
            [f"{one['line']}: {one['message']} [{one['kind']}]" for one in found] for found in json.loads(run.stdout)
        ]

    return lint


def test_actionlint_passes(actionlint: Callable[[list[str]], list[list[str]]]) -> None:
    found = actionlint([path.read_text(encoding="utf-8") for path in WORKFLOWS])
    assert found == [[] for _ in WORKFLOWS]


def test_actionlint_finds_each_planted_fault(actionlint: Callable[[list[str]], list[list[str]]]) -> None:
    text = BOOK.read_text(encoding="utf-8")
    assert all(old in text for old, _, _ in FAULTS)
    found = actionlint([text.replace(old, new, 1) for old, new, _ in FAULTS])
    missed = [(new, seen) for (_, new, message), seen in zip(FAULTS, found, strict=True) if message not in str(seen)]
    assert missed == []


# --- La publicación de los cuadernos, con un repositorio de verdad --------------------------------------------------


def publish_script() -> str:
    """El guion que envía la rama."""
    steps = yaml.safe_load(BOOK.read_text(encoding="utf-8"))["jobs"]["cuadernos"]["steps"]
    return str(steps[-1]["run"])


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def publish(workspace: Path, remote: Path, notebook: str) -> str:
    """Corre el guion como lo haría la integración continua: checkout limpio y los cuadernos descargados al lado."""
    for path in ("code/profundo", ".binder", ".ci", "cuadernos/fundamentos"):
        (workspace / path).mkdir(parents=True)
    for name in ("requirements.txt", "pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXTO", ".binder/runtime.txt"):
        (workspace / name).write_text(name, encoding="utf-8")
    (workspace / "code" / "profundo" / "__init__.py").write_text("", encoding="utf-8")
    shutil.copy2(ROOT / ".ci" / "rama", workspace / ".ci")
    git(workspace, "init", "--quiet")
    git(workspace, "add", "--all", ":!cuadernos")
    git(workspace, "-c", "user.name=Prueba", "-c", "user.email=prueba@ejemplo.org", "commit", "--quiet", "-m", "Todo")
    (workspace / "code" / "profundo" / "basura.pyc").write_text("", encoding="utf-8")
    (workspace / "cuadernos" / "fundamentos" / "perceptron.ipynb").write_text(notebook, encoding="utf-8")
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(workspace),
        "REMOTO": str(remote),
        "VERSION": "abc",
    }
    run = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", publish_script()],
        cwd=workspace,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_publishing_replaces_the_branch_only_when_something_changed(tmp_path: Path) -> None:
    remote = tmp_path / "remoto.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    publish(tmp_path / "uno", remote, "primera")
    first = git(remote, "rev-parse", "notebooks")
    assert git(remote, "show", "notebooks:fundamentos/perceptron.ipynb") == "primera"
    assert "no cambiaron" in publish(tmp_path / "dos", remote, "primera")
    assert git(remote, "rev-parse", "notebooks") == first
    publish(tmp_path / "tres", remote, "segunda")
    assert git(remote, "show", "notebooks:fundamentos/perceptron.ipynb") == "segunda"
    assert git(remote, "rev-list", "--count", "notebooks") == "1"
    files = git(remote, "ls-tree", "-r", "--name-only", "notebooks").splitlines()
    assert {".binder/runtime.txt", "code/profundo/__init__.py", "requirements.txt", "LICENSE-TEXTO"} <= set(files)
    assert "code/profundo/basura.pyc" not in files
