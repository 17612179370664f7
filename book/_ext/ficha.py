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

from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from ejecucion import Project, load
from plan import module_name, reading_minutes, tests_path
from publicacion import source_address
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


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
            tests = source_address(self.config, tests_path(stem))
            lines.append(f"**Código:** {{py:mod}}`{module_name(stem)}` y [sus pruebas]({tests})")
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
