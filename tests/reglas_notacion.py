"""Las reglas de la notación, una función por regla: las tablas dicen lo que los capítulos escriben."""

import re

from capitulos import relative
from ejecucion import Project
from notacion import PAGE, Notation, load_notation

FILE = f"book/{PAGE}.yml"
CELL = re.compile(r"^(`{3,})\{(?:code-cell|literalinclude)\}.*?^\1\s*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?<!`)`(?!`)[^`\n]+`")
MATH = re.compile(
    r"```\{math\}\n(?::[^\n]*\n)*(.*?)```|\$\$(.*?)\$\$|(?<![\\$])\$(?!\s)((?:[^$\n]|\n(?!\n))+?)\$", re.DOTALL
)
GREEK = re.compile(
    r"\\(?:alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|varphi|"
    r"chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega)(?![a-zA-Z])"
)
# Un símbolo solo o con lo que vale: «h», «h > 0», «\mathbf{A} = …».
ONE_SYMBOL = re.compile(r"(?:\\[a-zA-Z]+\{[^}]*\}|\\?[a-zA-Z]+)(?:[_^]\S+)?\s*(?:$|[=<>]|\\(?:in|le|ge|approx)\b)")
# «tasa de aprendizaje $\eta$», «**tasa de aprendizaje** (*learning rate*), $\eta > 0$».
THEN_SYMBOL = r"(?:\*\*)?(?:\s+\(\*[^*)]+\*\))?,?\s+\$(?P<symbol>[^$\n]+)\$"


def notation_of(project: Project) -> Notation:
    """La notación del proyecto."""
    return load_notation(project.book / f"{PAGE}.yml")


def chapter_text(project: Project, document: str) -> str:
    """Un capítulo sin celdas ni código, con las mismas líneas."""
    text = project.source(document).read_text(encoding="utf-8")
    return CODE.sub(" ", CELL.sub(lambda match: "\n" * match[0].count("\n"), text))


def formulas(text: str) -> list[tuple[int, str]]:
    """Las fórmulas de un texto, con su línea y con espacios sencillos."""
    return [
        (text.count("\n", 0, match.start()) + 1, " ".join("".join(filter(None, match.groups())).split()))
        for match in MATH.finditer(text)
    ]


def uses(symbol: str, formula: str) -> bool:
    """Si una fórmula usa un símbolo, y no otro que lo contiene."""
    bounded = re.escape(symbol)
    if symbol[0].isalpha():
        bounded = rf"(?<![a-zA-Z\\]){bounded}"
    if symbol[-1].isalpha():
        bounded = rf"{bounded}(?![a-zA-Z])"
    return bool(re.search(bounded, re.sub(r"\\(?:text|mathrm|operatorname\*?)\{(?!softmax)[^}]*\}", " ", formula)))


def symbols_are_used(project: Project) -> list[str]:
    """Cada símbolo está en los capítulos que la tabla le atribuye; los que no están en ``_toc.yml`` no se miran."""
    written = {d: [formula for _, formula in formulas(chapter_text(project, d))] for d in project.chapters()}
    problems = []
    for symbol in notation_of(project).symbols:
        for document in symbol.en:
            if not project.source(document).is_file():
                problems.append(f"{FILE}: {symbol.simbolo}: «{document}» no existe")
            elif document in written and not any(uses(symbol.simbolo, formula) for formula in written[document]):
                problems.append(f"{FILE}: {symbol.simbolo}: no está en ninguna fórmula de book/{document}.md")
    return problems


def greek_letters_listed(project: Project) -> list[str]:
    """Toda letra griega de un capítulo está en alguna tabla."""
    listed = {letter for symbol in notation_of(project).symbols for letter in GREEK.findall(symbol.simbolo)}
    problems = []
    for document in project.chapters():
        seen: set[str] = set()
        for line, formula in formulas(chapter_text(project, document)):
            for letter in [name for name in GREEK.findall(formula) if name not in listed | seen]:
                seen.add(letter)
                where = f"{relative(project, project.source(document))}:{line}"
                problems.append(f"{where}: {letter} no está en {FILE}; di ahí qué significa, o usa la letra de su idea")
    return problems


def reserved_symbols_respected(project: Project) -> list[str]:
    """Tras el nombre de una cantidad con símbolo reservado no va otro; un número o una expresión sí pueden ir."""
    problems = []
    for document in project.chapters():
        text = chapter_text(project, document)
        for name, symbols in notation_of(project).reserved.items():
            pattern = rf"(?<!\w){re.escape(name)}".replace(r"\ ", r"\s+") + THEN_SYMBOL
            for match in re.finditer(pattern, text, re.IGNORECASE):
                written = match["symbol"].strip()
                if ONE_SYMBOL.match(written) and not any(uses(symbol, written) for symbol in symbols):
                    line = text.count("\n", 0, match.start()) + 1
                    where = f"{relative(project, project.source(document))}:{line}"
                    problems.append(f"{where}: «{name}» se escribe {symbols[0]}, no {written}")
    return problems


NOTATION_RULES = (symbols_are_used, greek_letters_listed, reserved_symbols_respected)
