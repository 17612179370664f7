"""El plan del libro: qué capítulos hay y habrá, cómo se llaman y cuánto lleva leerlos y ejecutarlos.

Los previstos están en ``plan.yml``; los listos, en ``_toc.yml``. Los tiempos salen de contar las palabras y de la
ejecución guardada.
"""

import re
from pathlib import Path
from weakref import WeakKeyDictionary

import yaml
from ejecucion import Project, load
from libro import reads_executions
from myst_parser.mdit_to_docutils.base import default_slugify
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PLAN = "plan.yml"
WORDS_PER_MINUTE = 180  # lectura atenta de un texto técnico
CODE_LINES_PER_MINUTE = 30
FENCE = re.compile(r"^(`{3,})\{code-cell\}.*?^\1\s*$", re.MULTILINE | re.DOTALL)


def reading_minutes(text: str) -> int:
    """Minutos para leer un capítulo con calma, contando prosa y código; múltiplo de 5."""
    cells = [match.group(0) for match in FENCE.finditer(text)]
    prose = FENCE.sub("", text)
    words = len(re.findall(r"\b[^\W\d_]{2,}\b", prose))
    code_lines = sum(len(cell.splitlines()) for cell in cells)
    return max(5, 5 * round((words / WORDS_PER_MINUTE + code_lines / CODE_LINES_PER_MINUTE) / 5))


def title(project: Project, document: str) -> str:
    """El título de una página, como está escrito en Markdown."""
    found = re.search(r"^# (.*)$", project.source(document).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else document


def duration(minutes: float) -> str:
    """Una duración en horas y minutos, redondeada al minuto; al menos uno."""
    hours, rest = divmod(max(1, round(minutes)), 60)
    return " ".join(f"{amount} {unit}" for amount, unit in ((hours, "h"), (rest, "min")) if amount)


def running_time(seconds: float) -> str:
    """Lo que tarda una ejecución: en segundos hasta el minuto y medio; después, en minutos."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else duration(seconds / 60)


def module_name(document: str) -> str:
    """El módulo de un tema: el de ``fundamentos/mlp`` es ``profundo.fundamentos.mlp``."""
    return f"profundo.{document.replace('/', '.')}"


def tests_path(document: str) -> str:
    """Las pruebas de un tema, desde la raíz del proyecto."""
    part, _, topic = document.rpartition("/")
    return f"tests/{part}/test_{topic}.py"


def read_plan(project: Project) -> list[dict]:
    """Las partes de ``plan.yml``: ``parte``, ``resumen`` y ``capitulos``, con el título provisional de cada uno."""
    return yaml.safe_load((project.book / PLAN).read_text(encoding="utf-8"))


class Workload:
    """Lo que está listo del libro y lo que lleva leerlo y ejecutarlo."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.ready, self.executed = set(project.documents()), set(project.chapters())
        self._planned = {document: name for part in read_plan(project) for document, name in part["capitulos"].items()}
        self._seconds: dict[str, float] = {}

    def title(self, document: str) -> str:
        """El título del capítulo o, si no está listo, el provisional del plan."""
        return title(self.project, document) if document in self.ready else self._planned[document]

    def reading(self, document: str) -> int:
        """Minutos de lectura de un capítulo listo; las páginas que no son capítulos no cuentan."""
        if document not in self.executed:
            return 0
        return reading_minutes(self.project.source(document).read_text(encoding="utf-8"))

    def execution(self, document: str) -> float:
        """Segundos de ejecución de un capítulo listo; se leen una vez, porque están en el cuaderno entero."""
        if document not in self.executed:
            return 0.0
        if document not in self._seconds:
            self._seconds[document] = load(self.project, document).metadata["ejecucion"]["segundos"]
        return self._seconds[document]

    def measures(self, documents: set[str]) -> str:
        """Lo que llevan los capítulos listos de un conjunto; nada, si no hay ninguno."""
        chapters = documents & self.executed
        if not chapters:
            return ""
        reading, running = (sum(map(measure, chapters)) for measure in (self.reading, self.execution))
        return f"{duration(reading)} de lectura y {running_time(running)} de ejecución"

    def link(self, document: str, heading: str = "") -> str:
        """Un enlace a un capítulo o a uno de sus apartados, en Markdown; si no está listo, su título y que falta."""
        name, address = self.title(document), f"/{document}.md"
        if document not in self.ready:
            return f"{name} (*en preparación*)"
        return f"[{name}: {heading}]({address}#{default_slugify(heading)})" if heading else f"[{name}]({address})"


_WORKLOADS: WeakKeyDictionary[Sphinx, Workload] = WeakKeyDictionary()  # lo leído vale para toda una construcción


def workload(env: BuildEnvironment) -> Workload:
    """Lo que hay y lo que lleva, para la página que se lee: se rehará si cambia el plan, un capítulo o su ejecución."""
    if env.app not in _WORKLOADS:
        _WORKLOADS[env.app] = Workload(Project(Path(env.srcdir).parent))
    book = _WORKLOADS[env.app]
    reads_executions(env)
    for path in (book.project.root / "_toc.yml", book.project.book / PLAN, *map(book.project.source, book.executed)):
        env.note_dependency(str(path))
    return book
