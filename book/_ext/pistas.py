"""La pista de un ejercicio: una caja plegada que se llama «Pista» en todos los formatos."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Hint(SphinxDirective):
    """Directiva ``hint``: sin título ni opciones, solo contenido."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        self.assert_has_content()
        box = nodes.admonition("", nodes.title("", "Pista"), classes=["hint", "dropdown"])
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


def setup(app: Sphinx) -> dict:
    """Sustituye la directiva de docutils."""
    app.add_directive("hint", Hint, override=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
