"""Las reglas de la casa sobre lo que tiene y no tiene un capítulo, una función por regla (véase reglas_proyecto.py)."""

import ast
import io
import re
import tokenize
from pathlib import Path

from capitulos import Block, Chapter, chapters, numbered, pages, relative
from ejecucion import Project

SECTIONS = ("Al terminar sabrás", "Errores frecuentes", "Ejercicios", "Resumen", "Para saber más")
MIN_EXERCISES = 5

# --- Lo que tiene cada capítulo -------------------------------------------------------------------------------------


def required_sections(project: Project) -> list[str]:
    """Cada capítulo tiene las secciones de todos, en el mismo orden."""
    problems = []
    for chapter in chapters(project):
        headings = [match[1].strip() for match in re.finditer(r"(?m)^## (.+)$", chapter.prose)]
        where = relative(project, chapter.path)
        missing = [section for section in SECTIONS if section not in headings]
        problems += [f"{where}: falta la sección «## {section}»" for section in missing]
        present = [heading for heading in headings if heading in SECTIONS]
        if not missing and present != list(SECTIONS):
            problems.append(f"{where}: las secciones van en este orden y una sola vez: {', '.join(SECTIONS)}")
    return problems


def fact_sheet(project: Project) -> list[str]:
    """Cada capítulo tiene una ficha."""
    return [
        f"{relative(project, chapter.path)}: hay {count} fichas (:::{{ficha}}) y debe haber una"
        for chapter in chapters(project)
        if (count := sum(block.name == "ficha" for block in chapter.blocks)) != 1
    ]


def nothing_redefined(project: Project) -> list[str]:
    """Un capítulo muestra el código de su módulo; no lo vuelve a escribir."""
    problems = []
    for chapter in chapters(project):
        path = project.code / "profundo" / f"{chapter.document}.py"
        if not path.exists():
            continue
        taught = _definitions(path.read_text(encoding="utf-8"))
        for cell in chapter.cells:
            for name in sorted(taught & _definitions(python_source(cell))):
                problems.append(
                    f"{relative(project, chapter.path)}:{cell.line}: la celda define «{name}», que ya define el "
                    "módulo; impórtalo y muestra su código con literalinclude"
                )
    return problems


def python_source(cell: Block) -> str:
    """El código de una celda sin órdenes de IPython, con las mismas líneas."""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in cell.body)


def _definitions(source: str) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in _tree(source).body if isinstance(node, kinds)}


def _tree(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])  # la ejecución del capítulo dirá dónde está el error


def no_trailing_semicolon(project: Project) -> list[str]:
    """Un «;» final no oculta el valor al comparar cuadernos: la celda debe terminar sin valor."""
    problems = []
    for chapter in pages(project):
        for cell in chapter.cells:
            for row in _semicolon_rows(python_source(cell)):
                problems.append(
                    f"{relative(project, chapter.path)}:{cell.body_line + row - 1}: «;» al final de la línea; "
                    "termina la celda con algo sin valor, como plt.show()"
                )
    return problems


def _semicolon_rows(source: str) -> list[int]:
    rows, last = [], None
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in (tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER):
                if last is not None and last.string == ";":
                    rows.append(last.start[0])
                last = None
            else:
                last = token
    except (tokenize.TokenError, IndentationError):
        return rows
    return rows


def no_typed_percentages(project: Project) -> list[str]:
    """Los porcentajes de la prosa salen de la ejecución."""
    problems = []
    for page in pages(project):
        for line, text in numbered(page.prose):
            for match in re.finditer(r"\d[\d.,]*(?:\s|\\,|\\ |&nbsp;)*\\?%", text):
                problems.append(
                    f"{relative(project, page.path)}:{line}: un número con % en la prosa debe venir de glue: "
                    f"«{match[0]}» (si es una definición, como el nivel de un intervalo, escríbelo en una fórmula)"
                )
    return problems


# --- Figuras --------------------------------------------------------------------------------------------------------


def figures_described(project: Project) -> list[str]:
    """Cada figura tiene nombre, pie y texto alternativo."""
    problems = []
    for page in pages(project):
        where = relative(project, page.path)
        for cell in page.cells:
            hidden = {"remove-cell", "remove-output"} & set(cell.tags)
            if cell.figure is None:
                if re.search(r"(?m)^\s*plt\.show\(\)", cell.source) and not hidden:
                    problems.append(f"{where}:{cell.line}: la celda dibuja y no tiene mystnb.figure (name y caption)")
                continue
            for key in ("name", "caption"):
                if not str(cell.figure.get(key) or "").strip():
                    problems.append(f"{where}:{cell.line}: la figura no tiene «{key}»")
            if not str(cell.image.get("alt") or "").strip():
                problems.append(f"{where}:{cell.line}: la figura no tiene «alt»: di qué se ve, para quien no la ve")
        for block in page.blocks:
            if block.name in {"figure", "image"} and not str(block.options.get("alt", "")).strip():
                problems.append(f"{where}:{block.line}: la imagen no tiene «:alt:»: di qué se ve, para quien no la ve")
    return problems


def figures_referenced(project: Project) -> list[str]:
    """Cada figura se anuncia en el texto, con ``{numref}``, antes de aparecer."""
    problems = []
    for page in pages(project):
        for block in page.blocks:
            name = block.figure.get("name") if block.figure else None
            if block.name == "figure":
                name = block.options.get("name")
            if not name:
                continue
            reference = re.search(rf"\{{numref\}}`(?:[^`<]*<)?{re.escape(str(name))}>?`", page.text)
            where = f"{relative(project, page.path)}:{block.line}"
            if reference is None:
                problems.append(f"{where}: nadie cita la figura con {{numref}}`{name}`")
            elif page.text.count("\n", 0, reference.start()) + 1 > block.line:
                problems.append(f"{where}: {{numref}}`{name}` aparece después de la figura; anúnciala antes")
    return problems


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def exercises_complete(project: Project) -> list[str]:
    """Cada capítulo tiene ejercicios suficientes y cada uno, pista, hueco y solución comprobados."""
    problems = []
    for chapter in chapters(project):
        where = relative(project, chapter.path)
        checker = project.code / "profundo" / "ejercicios" / f"{chapter.document}.py"
        registered = registered_exercises(checker)
        starts = [block for block in chapter.blocks if block.name == "exercise-start"]
        if len(starts) < MIN_EXERCISES:
            problems.append(f"{where}: hay {len(starts)} ejercicios y se piden al menos {MIN_EXERCISES}")
        used: set[str] = set()
        for number, start in enumerate(starts):
            limit = starts[number + 1].line if number + 1 < len(starts) else len(chapter.lines) + 1
            names, found = _exercise_problems(chapter, start, limit)
            used |= names
            problems += [f"{where}:{start.line}: {text}" for text in found]
            problems += [
                f'{where}:{start.line}: comprobar("{name}") no está registrado en {relative(project, checker)}'
                for name in sorted(names - registered)
            ]
        problems += [
            f"{relative(project, checker)}: el comprobador «{name}» no corresponde a ningún ejercicio del capítulo"
            for name in sorted(registered - used)
        ]
    return problems


def _exercise_problems(chapter: Chapter, start: Block, limit: int) -> tuple[set[str], list[str]]:
    """Los nombres que comprueba un ejercicio y lo que le falta; ``limit`` es la línea donde empieza el siguiente."""
    label = str(start.options.get("label", ""))
    if not label:
        return set(), ["el ejercicio no tiene «:label:»"]
    inside = [b for b in chapter.blocks if start.line < b.line < limit]
    ends = {name: next((b.line for b in inside if b.name == name), limit) for name in ("exercise-end", "solution-end")}
    solution = next((b for b in inside if b.name == "solution-start" and b.argument == label), None)
    if solution is None:
        return set(), [f"«{label}» no tiene solución (solution-start {label})"]
    problems = []
    if not any(b.name == "hint" and b.line < ends["exercise-end"] for b in inside):
        problems.append(f"«{label}» no tiene pista (:::{{hint}}) dentro del enunciado")
    cells = [b for b in inside if b.name == "code-cell"]
    stub = _checked_names([b for b in cells if ends["exercise-end"] < b.line < solution.line])
    solved = _checked_names([b for b in cells if solution.line < b.line < ends["solution-end"]])
    if not stub:
        problems.append(f"«{label}» no tiene una celda para responder que llame a comprobar(...)")
    if not solved:
        problems.append(f"la solución de «{label}» no llama a comprobar(...)")
    if stub and solved and stub != solved:
        problems.append(f"«{label}»: el hueco comprueba {sorted(stub)} y la solución {sorted(solved)}")
    return stub | solved, problems


def _checked_names(cells: list[Block]) -> set[str]:
    calls = [
        node
        for cell in cells
        for node in ast.walk(_tree(python_source(cell)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "comprobar"
    ]
    return {str(call.args[0].value) for call in calls if call.args and isinstance(call.args[0], ast.Constant)}


def registered_exercises(path: Path) -> set[str]:
    """Los nombres que registra un módulo de comprobadores con ``@comprobar.exercise("nombre")``."""
    if not path.exists():
        return set()
    return {
        str(node.args[0].value)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "exercise"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


# --- Números que cambian ----------------------------------------------------------------------------------------------

CLOCKS = {"perf_counter", "perf_counter_ns", "process_time", "monotonic", "timeit"}


def no_printed_times(project: Project) -> list[str]:
    """Un tiempo medido cambia en cada ejecución: puede dibujarse, pero no imprimirse ni citarse."""
    problems = []
    for page in pages(project):
        timed: set[str] = set()
        for cell in page.cells:
            rows = [row for row, line in enumerate(cell.body) if re.match(r"\s*%{1,2}time(it)?\b", line)]
            for statement in _tree(python_source(cell)).body:
                _follow_times(statement, timed)
                rows += _time_outputs(statement, timed)
            problems += [
                f"{relative(project, page.path)}:{cell.body_line + row}: imprime un tiempo, que cambia en cada "
                "ejecución; dibújalo o imprime una comparación («es más rápido: True»)"
                for row in rows
            ]
    return problems


def _is_timed(node: ast.AST, timed: set[str]) -> bool:
    """Si el valor depende de un reloj; una comparación entre tiempos ya no es un tiempo."""
    if isinstance(node, ast.Compare):
        return False
    if isinstance(node, ast.Name):
        return node.id in timed
    if isinstance(node, ast.Call):
        function = node.func
        if isinstance(function, ast.Name) and function.id in CLOCKS:
            return True
        if isinstance(function, ast.Attribute) and getattr(function.value, "id", "") in {"time", "timeit"}:
            return True
    return any(_is_timed(child, timed) for child in ast.iter_child_nodes(node))


def _follow_times(statement: ast.stmt, timed: set[str]) -> None:
    """Añade a ``timed`` los nombres que pasan a depender de un reloj y quita los que dejan de hacerlo."""
    if isinstance(statement, ast.FunctionDef):
        inner = set(timed)
        for child in statement.body:
            _follow_times(child, inner)
        returns = [node.value for node in ast.walk(statement) if isinstance(node, ast.Return) and node.value]
        if any(_is_timed(value, inner) for value in returns):
            timed.add(statement.name)
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
            if _is_timed(node.value, timed):
                timed |= names
            elif not isinstance(node, ast.AugAssign) and all(isinstance(target, ast.Name) for target in targets):
                timed -= names
        elif isinstance(node, ast.For) and _is_timed(node.iter, timed):
            timed |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            target = node.func.value
            if isinstance(target, ast.Name) and any(_is_timed(argument, timed) for argument in node.args):
                timed.add(target.id)


def _time_outputs(statement: ast.stmt, timed: set[str]) -> list[int]:
    """Las líneas (desde 0) en que se imprime o se cita algo que depende de un reloj."""
    calls = [
        node
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"print", "glue"}
    ]
    return [
        call.lineno - 1
        for call in calls
        if any(_is_timed(a, timed) for a in [*call.args, *(k.value for k in call.keywords)])
    ]


def glued_names_unique(project: Project) -> list[str]:
    """Un número citado tiene un solo origen."""
    seen: dict[str, str] = {}
    problems = []
    for page in pages(project):
        for cell in page.cells:
            for name in re.findall(r"\bglue\(\s*f?[\"']([^\"'{}]+)[\"']", cell.source):
                where = f"{relative(project, page.path)}:{cell.line}"
                if name in seen:
                    problems.append(f'{where}: glue("{name}") ya está en {seen[name]}')
                seen[name] = where
    return problems


CHAPTER_RULES = (
    required_sections,
    fact_sheet,
    nothing_redefined,
    no_trailing_semicolon,
    no_typed_percentages,
    figures_described,
    figures_referenced,
    exercises_complete,
    no_printed_times,
    glued_names_unique,
)
