"""La demostración de un teorema, en español: sphinx-proof escribe «Proof.» y repite el identificador en la página."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_proof.directive import ProofDirective
from sphinx_proof.nodes import proof_node


class Proof(ProofDirective):
    """Directiva ``prf:proof``."""

    def run(self) -> list[nodes.Node]:
        box = nodes.admonition(classes=["proof", *self.options.get("class", [])])
        self.content[0] = f"**Demostración.** {self.content[0]}"
        self.state.nested_parse(self.content, self.content_offset, box)
        result = proof_node()
        result += box
        return [result]


def setup(app: Sphinx) -> dict:
    """Sustituye la directiva de sphinx-proof."""
    app.setup_extension("sphinx_proof")
    app.add_directive_to_domain("prf", "proof", Proof, override=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
