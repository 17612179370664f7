"""Cómo se escribe el libro en LaTeX: partes, números iguales a los del sitio, ejercicios, teoremas y celdas.

Los números de capítulos, figuras, tablas, ecuaciones, teoremas y ejercicios se toman de Sphinx y no los cuenta
LaTeX: el PDF y el sitio no pueden discrepar, y una referencia se resuelve al escribir, no en la segunda pasada de TeX.
"""

import re
from typing import Any

from docutils import nodes
from formulas import INNER, NUMBERED
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.math import wrap_displaymath
from sphinx.writers.latex import LaTeXTranslator
from sphinx_proof.nodes import NODE_TYPES, proof_node, unenumerable_node
from sphinx_proof.nodes import _ as proof_name

# Lo que dibujan las letras del texto y de los títulos (Latin Modern); lo demás se toma de otra letra.
OTHER_FONT = re.compile("[^\\u0000-\\u024f‐-—‖‘-”„†‡•…‰‹›€™←-↓−]+")
ADMONITIONS = ("note", "hint", "tip", "important", "warning", "caution", "attention", "danger", "error", "seealso")
CODE_COLUMNS = 106  # los que caben en un renglón con la letra normal del código
SMALL_WHEN_HIDDEN = ("input", "input+output", "all")
COLUMN = {"text-left": "L", "text-center": "C", "text-right": "R"}


class PartStructure(SphinxPostTransform):
    """Convierte cada lista de capítulos de ``_toc.yml`` en una parte y la portada del sitio en un capítulo sin número.

    La lista sin título no es una parte: sus capítulos van sueltos. Las páginas que cuelgan de un capítulo son secciones
    suyas.
    """

    default_priority = 1
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        root = next(self.document.findall(nodes.section))
        lists = [n for n in root.findall(nodes.compound) if "toctree-wrapper" in n["classes"]]
        trees = [n for n in lists if not any(other is not n and n in other.findall(nodes.compound) for other in lists)]
        subtrees = self.app.config.external_site_map.root.subtrees
        for tree in trees:
            tree.parent.remove(tree)
        welcome = nodes.section("", *root.children[1:], ids=["presentacion"], latex_level=1, latex_plain=True)
        welcome.insert(0, nodes.title("", self.config.libro_presentacion))
        del root.children[1:]
        if len(welcome) > 1:
            root += welcome
        for number, (tree, subtree) in enumerate(zip(trees, subtrees, strict=True), start=1):
            if subtree.caption:
                part = nodes.section("", nodes.title("", subtree.caption), ids=[f"parte-{number}"], latex_level=0)
                part["latex_plain"] = not subtree.numbered
                part += tree.children
                root += part
            else:
                for file in tree.children:
                    file["latex_level"] = 1
                root += tree.children


class LocalReferences(SphinxPostTransform):
    """Deja la bibliografía de cada capítulo en su sitio; Sphinx la llevaría toda al final."""

    default_priority = 740  # justo antes de que Sphinx la recoja
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        for citation in list(self.document.findall(nodes.citation)):
            label, *paragraphs = citation.children
            text = [child for paragraph in paragraphs for child in paragraph.children]
            entry = nodes.container(
                "", nodes.inline("", "", *text), classes=["referencia"], ids=citation["ids"], rotulo=label.astext()
            )
            citation.replace_self(entry)


class BookTranslator(LaTeXTranslator):
    """El escritor de LaTeX de Sphinx con la estructura y el aspecto del libro."""

    # --- Números ----------------------------------------------------------------------------------------------------

    def number_of(self, docname: str, node_id: str) -> str:
        """El número que Sphinx dio a una figura, tabla, ecuación, teorema, ejercicio o sección; ``""`` si no tiene."""
        env = self.builder.env
        for ids in env.toc_fignumbers.get(docname, {}).values():
            if node_id in ids:
                return ".".join(map(str, ids[node_id]))
        sections = env.toc_secnumbers.get(docname, {})
        for anchor in (f"#{node_id}", "" if node_id == ":doc" else None):
            if anchor is not None and sections.get(anchor):
                return ".".join(map(str, sections[anchor]))
        return ""

    def own_number(self, node: nodes.Element) -> str:
        """El número de un nodo del capítulo que se está escribiendo."""
        return next((n for n in (self.number_of(self.curfilestack[-1], i) for i in node["ids"]) if n), "")

    def visit_number_reference(self, node: nodes.Element) -> None:
        target = node.get("refuri", "")[1:] or f"{self.curfilestack[-1]}#{node['refid']}"
        docname, _, node_id = target.partition("#")
        number = self.number_of(docname, node_id)
        if not number:
            super().visit_number_reference(node)
        title = self.escape(node.get("title", "%s")).replace(r"\%s", "%s")
        title = title.replace(r"\{number\}", "%s")
        text = title.replace("%s", number) if "%s" in title else node.astext()
        self.body.append(rf"\hyperref[{self.idescape(f'{docname}:{node_id}')}]{{{text}}}")
        raise nodes.SkipNode

    def visit_caption(self, node: nodes.Element) -> None:
        if isinstance(node.parent, nodes.figure):
            self.body.append(rf"\gdef\thefigure{{{self.own_number(node.parent)}}}")
        elif number := self.own_number(node.parent):
            self.body.append(rf"\gdef\theliteralblock{{{number}}}")
        super().visit_caption(node)

    def visit_math_block(self, node: nodes.Element) -> None:
        number = self.own_number(node)
        # Un entorno numerado pasa a su versión interior: la fórmula lleva un solo número, como en el sitio.
        latex = NUMBERED.sub(lambda m: rf"\{m[1]}{{{INNER[m[2]]}}}", node.astext())
        label = f"equation:{node['docname']}:{node['label']}" if number and node.get("label") else None
        if number:
            self.body.append(rf"\gdef\theequation{{{number}}}")
        self.body.append(wrap_displaymath(latex, label, bool(number)))
        raise nodes.SkipNode

    # --- Estructura -------------------------------------------------------------------------------------------------

    def visit_start_of_file(self, node: nodes.Element) -> None:
        super().visit_start_of_file(node)
        docname = node["docname"]
        chapter = self.builder.env.toc_secnumbers.get(docname, {}).get("") or ()
        self.body.append(f"%% página {docname}\n\\setcounter{{secnumdepth}}{{{2 if chapter else -2}}}\n")
        if len(chapter) == 1:
            self.body.append(rf"\setcounter{{chapter}}{{{chapter[0] - 1}}}" + "\n")
        self.context.append(self.sectionlevel)
        if "latex_level" in node:
            self.sectionlevel = node["latex_level"] - 1

    def depart_start_of_file(self, node: nodes.Element) -> None:
        self.sectionlevel = self.context.pop()
        super().depart_start_of_file(node)

    def visit_section(self, node: nodes.Element) -> None:
        self.context.append(self.sectionlevel)
        super().visit_section(node)
        if "latex_level" in node:
            self.sectionlevel = node["latex_level"]
            depth = -2 if node["latex_plain"] else -1
            self.body.append(rf"\setcounter{{secnumdepth}}{{{depth}}}" + "\n")

    def depart_section(self, node: nodes.Element) -> None:
        self.sectionlevel = self.context.pop()

    def visit_transition(self, node: nodes.Element) -> None:
        """Una separación; la que precede a las notas sobra, porque en papel van al pie."""
        if "footnotes" not in node["classes"]:
            super().visit_transition(node)

    def visit_math(self, node: nodes.Element) -> None:
        if self.in_title:
            plain = re.sub(r"\\[a-zA-Z]+ ?|[{}$^_\\]", "", node.astext())
            self.body.append(rf"\texorpdfstring{{\({node.astext()}\)}}{{{plain}}}")
            raise nodes.SkipNode
        super().visit_math(node)

    def visit_Text(self, node: nodes.Text) -> None:
        text = self.encode(node.astext())
        if not isinstance(node.parent, nodes.literal | nodes.literal_block):
            text = OTHER_FONT.sub(lambda m: rf"\simbolo{{{m[0]}}}", text)
        self.body.append(text)

    # --- Tablas, imágenes y recuadros -------------------------------------------------------------------------------

    def visit_table(self, node: nodes.Element) -> None:
        head = next(node.findall(nodes.thead), None)
        if head is not None and not self.next_table_colspec:
            columns = [COLUMN[c] for entry in head[0] for c in entry["classes"] if c in COLUMN]
            if len(columns) == len(head[0]):
                self.next_table_colspec = "".join(columns)
        if number := self.own_number(node):
            self.body.append(rf"\gdef\thetable{{{number}}}")
        super().visit_table(node)

    def visit_image(self, node: nodes.Element) -> None:
        if isinstance(node.parent, nodes.container) and "align" not in node:
            node["align"] = "center"
        super().visit_image(node)

    def visit_admonition(self, node: nodes.Element) -> None:
        if isinstance(node.parent, proof_node):
            strip_proof_label(node)
            self.body.append("\n\\begin{demostracion}")
        else:
            kind = next((c for c in node["classes"] if c in ADMONITIONS), "note")
            self.body.append(rf"{chr(10)}\begin{{sphinxadmonition}}{{{kind}}}")
        self.no_latex_floats += 1
        if self.table:
            self.table.has_problematic = True

    def depart_admonition(self, node: nodes.Element) -> None:
        if isinstance(node.parent, proof_node):
            self.body.append("\\end{demostracion}\n")
            self.no_latex_floats -= 1
        else:
            super().depart_admonition(node)

    def visit_literal_block(self, node: nodes.Element) -> None:
        """Un programa con renglones largos, o que el sitio pliega, va en letra algo menor."""
        is_source = node.parent.get("nb_element") == "cell_code_source"
        is_hidden = is_source and node.parent.parent.get("hide_mode") in SMALL_WHEN_HIDDEN
        is_wide = max(map(len, node.astext().splitlines()), default=0) > CODE_COLUMNS
        size = r"\fvset{fontsize=\codigopequeno}" if is_hidden or is_wide else ""
        self.body.append(f"\n\\begingroup{size}")
        try:
            super().visit_literal_block(node)
        except nodes.SkipNode:
            self.body.append("\\endgroup\n")
            raise

    def depart_literal_block(self, node: nodes.Element) -> None:
        super().depart_literal_block(node)
        self.body.append("\\endgroup\n")

    def visit_container(self, node: nodes.Element) -> None:
        begin, end = "", ""
        if node.get("nb_element") == "cell_code_source":
            begin, end = r"\begin{celdaentrada}", r"\end{celdaentrada}"
        elif node.get("nb_element") == "cell_code_output":
            begin, end = r"\begin{celdasalida}", r"\end{celdasalida}"
        elif "ficha" in node["classes"]:
            begin, end = r"\begin{ficha}", r"\end{ficha}"
        elif "referencia" in node["classes"]:
            anchors = "".join(rf"\hypertarget{{cite.{self.curfilestack[-1]}:{i}}}{{}}" for i in node["ids"])
            begin = rf"\begin{{referencia}}{{{anchors}}}{{{self.encode(node['rotulo'])}}}"
            end = r"\end{referencia}"
        self.body.append(f"\n{begin}\n" if begin else "")
        self.context.append(f"\n{end}\n" if end else "")

    def depart_container(self, node: nodes.Element) -> None:
        self.body.append(self.context.pop())

    # --- Teoremas, ejercicios y soluciones --------------------------------------------------------------------------

    def own_title(self, node: nodes.Element, prefix: str = "") -> str:
        """Saca el título del nodo y lo devuelve en LaTeX, sin el rótulo ni los paréntesis."""
        title = node.pop(0)
        self.pushbody([])
        for child in title.children:
            child.walkabout(self)
        text = "".join(self.popbody()).strip().removeprefix(prefix).strip()
        return text[1:-1] if text.startswith("(") and text.endswith(")") else text

    def open_block(self, environment: str, node: nodes.Element, label: str, title: str) -> None:
        """Empieza un bloque con destino para los enlaces; las figuras de dentro no flotan."""
        target = self.hypertarget_to(node, anchor=True)
        self.body.append(f"\n\n{target}\\begin{{{environment}}}{{{label}}}{{{title}}}\n")
        self.context.append(f"\n\\end{{{environment}}}\n")
        self.no_latex_floats += 1

    def close_block(self, node: nodes.Element) -> None:
        """Cierra lo que abrió ``open_block``."""
        self.body.append(self.context.pop())
        self.no_latex_floats -= 1


def strip_proof_label(node: nodes.Element) -> None:
    """Quita el «Demostración.» que va pegado al texto: el rótulo lo pone LaTeX."""
    for text in list(node.findall(nodes.Text))[:2]:  # el rótulo puede ir en negrita, con su espacio aparte
        rest = re.sub(r"^(Proof|Demostración)\.\s*|^\s+", "", text.astext())
        text.parent.replace(text, nodes.Text(rest))
        if rest:
            return


def visit_theorem(self: BookTranslator, node: nodes.Element) -> None:
    """Teorema, lema, definición…, con el nombre en la lengua del libro."""
    label = f"{proof_name(node['realtype'].title())} {self.own_number(node)}".strip()
    self.open_block("teorema", node, label, self.own_title(node))


def visit_exercise(self: BookTranslator, node: nodes.Element) -> None:
    """Un ejercicio con su número y su título."""
    label = (self.config.numfig_format["exercise"] % self.own_number(node)).strip()
    self.open_block("ejercicio", node, label, self.own_title(node, label))


def visit_solution(self: BookTranslator, node: nodes.Element) -> None:
    """Una solución, que en papel no puede ocultarse."""
    node.pop(0)
    environment: Any = self.builder.env  # sphinx-exercise le añade su registro
    exercise = environment.sphinx_exercise_registry[node["target_label"]]
    number = self.number_of(exercise["docname"], node["target_label"])
    self.open_block("solucion", node, f"Solución del ejercicio {number}".strip(), "")


def depart_block(self: BookTranslator, node: nodes.Element) -> None:
    """Cierra un teorema, un ejercicio o una solución."""
    self.close_block(node)


THEOREMS = (*NODE_TYPES.values(), unenumerable_node)
