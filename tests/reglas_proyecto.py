"""Las reglas de la casa sobre carpetas, nombres e importaciones, una función por regla.

Cada una recibe el proyecto y devuelve los problemas que encuentra: dónde, qué pasa y qué hacer. ``test_estructura.py``
las aplica al libro y, a un libro de juguete al que se estropea una cosa cada vez, para ver que encuentran lo suyo.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from capitulos import chapters, numbered, pages, relative
from ejecucion import Project

MAX_MODULE_LINES = 300
# Subpaquetes que no son partes del temario.
NOT_PARTS = {"comun", "ejercicios"}


def part_order(project: Project) -> list[str]:
    """Las partes, en el orden de ``_toc.yml``."""
    return list(dict.fromkeys(d.split("/")[0] for d in project.documents() if "/" in d))


def modules(project: Project) -> list[Path]:
    """Los módulos del paquete, sin los ``__init__.py``."""
    return sorted(p for p in (project.code / "profundo").rglob("*.py") if p.name != "__init__.py")


# --- Carpetas y nombres ---------------------------------------------------------------------------------------------


def no_package_in_code(project: Project) -> list[str]:
    """``code/`` no es un paquete: taparía el módulo ``code`` de la biblioteca estándar y con él a pdb e IPython."""
    if (project.code / "__init__.py").exists():
        return ["code/__init__.py: bórralo; con él, «import code» toma esta carpeta y fallan pdb e IPython"]
    return []


def index_entries_exist(project: Project) -> list[str]:
    """Cada entrada de ``_toc.yml`` es un archivo."""
    return [
        f"_toc.yml: «{document}» no existe; crea book/{document}.md o quita la entrada"
        for document in project.documents()
        if not project.source(document).is_file()
    ]


def pages_in_index(project: Project) -> list[str]:
    """Cada página está en ``_toc.yml``."""
    listed = set(project.documents())
    return [
        f"{relative(project, page.path)}: no está en _toc.yml; añádela donde deba leerse"
        for page in pages(project)
        if page.document not in listed
    ]


def stems_match(project: Project) -> list[str]:
    """Un tema, un nombre: capítulo, módulo, prueba y comprobador de ejercicios existen los cuatro o ninguno."""
    package = project.code / "profundo"
    present = {
        "book/{}.md": {page.document for page in chapters(project)},
        "code/profundo/{}.py": _stems(package, NOT_PARTS),
        "tests/{}.py": {
            f"{stem.rpartition('/')[0]}/{stem.rpartition('/')[2].removeprefix('test_')}"
            for stem in _stems(project.root / "tests", set())
            if stem.split("/")[0] in part_order(project) and stem.rpartition("/")[2].startswith("test_")
        },
        "code/profundo/ejercicios/{}.py": _stems(package / "ejercicios", set()),
    }
    return sorted(
        f"{_stem_path(pattern, stem)}: falta; el tema «{stem}» ya tiene otras piezas"
        for stem in set.union(*present.values())
        for pattern, stems in present.items()
        if stem not in stems
    )


def _stems(folder: Path, excluded: set[str]) -> set[str]:
    """Los archivos ``parte/tema.py`` de una carpeta, sin extensión."""
    return {
        path.relative_to(folder).with_suffix("").as_posix()
        for path in folder.glob("*/*.py")
        if path.name not in {"__init__.py", "conftest.py"} and path.parent.name not in excluded
    }


def _stem_path(pattern: str, stem: str) -> str:
    part, _, name = stem.rpartition("/")
    return pattern.format(f"{part}/test_{name}" if pattern.startswith("tests") else stem)


def module_length(project: Project) -> list[str]:
    """Un módulo se lee de una sentada."""
    problems = []
    for path in modules(project):
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > MAX_MODULE_LINES:
            problems.append(
                f"{relative(project, path)}: {count} líneas, más de {MAX_MODULE_LINES}; quita o reparte ideas"
            )
    return problems


# --- Importaciones --------------------------------------------------------------------------------------------------


def imports_follow_the_course(project: Project) -> list[str]:
    """Un módulo no importa de una parte posterior, y ``comun`` no importa de ninguna."""
    order = part_order(project)
    problems = []
    for path in modules(project):
        place = path.relative_to(project.code / "profundo").parts
        part = place[1] if place[0] == "ejercicios" else place[0]
        for line, imported in _package_imports(path):
            problem = _import_problem(place[0], part, imported, order)
            if problem:
                problems.append(f"{relative(project, path)}:{line}: {problem}")
    return problems


def _import_problem(package: str, part: str, imported: str, order: list[str]) -> str:
    if imported == "comun":
        return ""
    if package == "comun":
        return f"comun importa de «{imported}»; comun no enseña nada ni depende de las partes"
    if imported == "ejercicios":
        return "importa de «ejercicios»; los comprobadores dependen del temario y no al revés"
    if imported not in order:
        return f"importa de «{imported}», que no es una parte de _toc.yml"
    if part in order and order.index(imported) > order.index(part):
        return f"importa de «{imported}», que se estudia después de «{part}»; mueve lo común a una parte anterior"
    return ""


def _package_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Línea y primer nombre bajo ``profundo`` de cada importación, también de las relativas."""
    own = ["profundo", *path.parts[path.parts.index("profundo") + 1 : -1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = own[: len(own) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            names = [".".join([*base, alias.name]) for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "profundo" and len(parts) > 1:
                yield node.lineno, parts[1]


# --- Huellas de la máquina ---------------------------------------------------------------------------------------

# Escritas de modo que este archivo no se acuse a sí mismo.
FORBIDDEN = {
    "una ruta de esta máquina": re.compile(r"(?<![\w.$~}])/(?:wor[k]|roo[t]|hom[e]/\w|User[s]/\w|tm[p])/\S"),
    "la dirección de un registro de paquetes": re.compile(
        r"pypi\.or[g]|pythonhosted\.or[g]|registry\.npmj[s]|deb\.debian\.or[g]|"
        r"(?:index[-_]url|find-links)[= ]+(?!https://download\.pytorch\.org/|\$|\()\S"
    ),
    "una dirección privada": re.compile(r"\b(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+\b"),
}


def no_machine_traces(project: Project) -> list[str]:
    """Ningún archivo del proyecto nombra la máquina donde se escribió ni de dónde tomó sus paquetes."""
    problems = []
    for path in project_files(project.root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for line, content in numbered(text):
            for what, pattern in FORBIDDEN.items():
                match = pattern.search(content)
                if match:
                    problems.append(f"{relative(project, path)}:{line}: nombra {what}: «{match[0]}»")
    return problems


def project_files(root: Path) -> list[Path]:
    """Los archivos del proyecto: los que git sigue o seguiría; sin git, todos menos lo construido."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0 and (root / ".git").exists():
        return [path for name in listing.stdout.split("\0") if name and (path := root / name).is_file()]
    skipped = {"_build", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
    return [p for p in sorted(root.rglob("*")) if p.is_file() and not skipped & set(p.relative_to(root).parts)]


PROJECT_RULES = (
    no_package_in_code,
    index_entries_exist,
    pages_in_index,
    stems_match,
    module_length,
    imports_follow_the_course,
    no_machine_traces,
)
