"""La ficha de un capítulo: cuánto lleva leerlo y ejecutarlo, qué hay que saber antes y qué vídeo lo acompaña.

Los tiempos no se escriben a mano: la lectura sale de contar las palabras y el resto, de la ejecución guardada.

    :::{ficha}
    ---
    requisitos: "[Descenso de gradiente](descenso_de_gradiente.md) y álgebra lineal."
    video: |
      https://youtu.be/… | Universidad de Antioquia, 1.1 Introducción | 17
    ---
    :::
"""

import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from ejecucion import Project, load
from publicacion import repository
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

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


class Ficha(SphinxDirective):
    """Directiva ``ficha``: sin contenido, con las opciones ``requisitos`` y ``video`` (una línea por vídeo)."""

    option_spec = {"requisitos": directives.unchanged_required, "video": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        project = Project(Path(self.env.srcdir).parent)
        text = project.source(self.env.docname).read_text(encoding="utf-8")
        facts = load(project, self.env.docname).metadata["ejecucion"]
        lines = [
            f"**Lectura:** {reading_minutes(text)} min. **Ejecución:** {facts['segundos']:.0f} s en un núcleo, "
            f"con {facts['memoria_mib']} MiB de memoria; comprobada el {facts['fecha']}.",
            f"**Requisitos:** {self.options['requisitos']}",
        ]
        for line in self.options.get("video", "").splitlines():
            if line.strip():
                lines.append(f"**Vídeo:** {self._video(line)}")
        stem = self.env.docname
        if (project.code / "profundo" / f"{stem}.py").exists():
            part, _, topic = stem.rpartition("/")
            source = repository(self.config.html_theme_options["repository_url"])
            tests = f"{source}/blob/main/tests/{part}/test_{topic}.py"
            lines.append(f"**Código:** {{py:mod}}`profundo.{stem.replace('/', '.')}` y [sus pruebas]({tests})")
        container = nodes.container(classes=["ficha"])
        for line in lines:
            children, messages = self.parse_inline(line)
            container += nodes.paragraph("", "", *children)
            container += messages
        return [container]

    def _video(self, line: str) -> str:
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 3 or not fields[0].startswith("https://") or not fields[2].isdigit():
            raise self.error(f"ficha: cada vídeo es «dirección | título | minutos»; se recibió {line!r}")
        address, title, minutes = fields
        return f"[{title}]({address}) ({minutes} min)"


def setup(app: Sphinx) -> dict:
    """Registra la directiva."""
    app.add_directive("ficha", Ficha)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
