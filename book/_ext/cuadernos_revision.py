"""Lo que un cuaderno publicado no puede tener: restos de MyST, enlaces rotos fuera del sitio y celdas sin comprobar."""

import re
from collections.abc import Iterator

from nbformat import NotebookNode

FENCE = re.compile(r"^(?P<quote>[> ]*)(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)\n.*?^[> ]*(?P=mark)`*[ ]*$", re.M | re.S)
MATH = re.compile(r"\$\$.*?\$\$|(?<!\\)\$(?!\s)[^$\n]*[^$\s\\]\$", re.DOTALL)
CODE = re.compile(r"(?<![`\\])(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
MARKS = {
    "directiva": r"^[> ]*(`{3,}|~{3,}|:{3,})[ ]*\{[^}\n]*\}",
    "cierre de directiva": r"^[> ]*:{3,}[ ]*$",
    "opción de directiva": r"^[> ]*:[a-z][\w-]*:(?=\s|$)",
    "etiqueta": r"^[> ]*\([\w.:-]+\)=[ ]*$",
    "separador de celdas": r"^\+{3}(?=\s|$)",
    "comentario": r"^[> ]*%+(?=\s|$)",
    "sustitución": r"\{\{[^}\n]*\}\}",
    "referencia sin resolver": r"\[\?+\]|\?\?",
    "atributo": r"(?<=[\])])\{[#.][^}\n]*\}",
}
ROLE = re.compile(r"\{[A-Za-z][\w:.+-]*\}$")
LINK = re.compile(r"(?<!\\)\]\(<?([^)>\s]*)")
LOCAL_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|opt|var|Users|private)/[\w.-]+")
NBVAL_TAGS = {"nbval-ignore-output", "nbval-skip", "pytest-validate-ignore-output"}
NBVAL_COMMENT = re.compile(r"^\s*#+\s*(NBVAL_IGNORE_OUTPUT|NBVAL_SKIP|PYTEST_VALIDATE_IGNORE_OUTPUT)\s*$", re.MULTILINE)


def leftovers(notebook: NotebookNode) -> list[str]:
    """Restos de MyST y enlaces relativos en las celdas de Markdown, uno por línea: qué es y dónde está."""
    found = []
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            found += [f"celda {position}: {problem}" for problem in _text_problems(cell.source)]
    return found


def _text_problems(text: str) -> Iterator[str]:
    directive = re.compile(MARKS["directiva"], re.MULTILINE)
    # Una valla con lenguaje entre llaves es una directiva; las demás son código y no se miran.
    text = FENCE.sub(lambda block: block[0] if directive.match(block[0]) else "", text)
    text = MATH.sub("", text)
    for span in CODE.finditer(text):
        role = ROLE.search(text[: span.start()].rsplit("\n", 1)[-1])
        if role:
            yield f"rol {role[0]}{span[0]}"
    bare = CODE.sub("", text)
    for name, pattern in MARKS.items():
        for match in re.finditer(pattern, text if name == "directiva" else bare, re.MULTILINE):
            yield f"{name} {match[0].strip()!r}"
    for target in LINK.findall(bare):
        if not re.match(r"(https?|mailto):", target):
            yield f"enlace que no es absoluto {target!r}"


def code_cell_problems(notebook: NotebookNode) -> list[str]:
    """Lo que haría que nbval diera por buena una celda sin compararla, o que la haría depender de esta máquina."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    problems = [] if any(cell.outputs for cell in cells) else ["ninguna celda tiene salidas"]
    for number, cell in enumerate(cells, 1):
        if cell.execution_count is None:
            problems.append(f"la celda de código {number} no tiene execution_count: nbval no la compararía")
        elif cell.execution_count != number:
            problems.append(f"la celda de código {number} lleva el número {cell.execution_count}")
        for output in cell.outputs:
            texts = [*output.get("traceback", []), output.get("text", ""), *output.get("data", {}).values()]
            path = LOCAL_PATH.search("\n".join(text for text in texts if isinstance(text, str)))
            if path:
                problems.append(f"la celda de código {number} muestra una ruta de esta máquina: {path[0]}")
    return problems


def exempt_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Las celdas de código que piden a nbval que no las compare del todo."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code"
        and (NBVAL_TAGS & set(cell.metadata.get("tags", [])) or NBVAL_COMMENT.search(cell.source))
    ]


def has_reason(cell: NotebookNode) -> bool:
    """Si una celda exenta dice por qué con una etiqueta que empieza por ``motivo-``."""
    return any(re.match(r"motivo-\w+", tag) for tag in cell.metadata.get("tags", []))
