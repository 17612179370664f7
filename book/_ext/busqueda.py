"""La búsqueda: qué parte de cada palabra se guarda en el índice del sitio.

El índice se escribe aquí y se consulta en el navegador, que debe sacar de lo que alguien teclea la misma raíz. Los dos
analizadores del español que usaría Sphinx no coinciden: de ``retropropagacion`` cada uno saca una raíz. Por eso hay uno
propio, tan corto que las dos versiones se pueden comparar de un vistazo. Lo que la raíz no une lo une la búsqueda de
Sphinx, que también encuentra trozos de palabra.
"""

import re
import unicodedata
from functools import cache

from docutils import nodes
from sphinx.search import IndexBuilder
from sphinx.search.es import SearchSpanish


def fold(word: str) -> str:
    """Sin tildes ni diéresis, en minúsculas; la eñe se conserva."""
    decomposed = unicodedata.normalize("NFD", word.lower().replace("ñ", "\0"))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).replace("\0", "ñ")


def root(word: str) -> str:
    """Lo que comparten el singular y el plural, el masculino y el femenino: «red» y «redes», «vez» y «veces»."""
    return re.sub("c$", "z", re.sub("(?<=...)([aeo]s?|s)$", "", fold(word)))


class SearchRoots(SearchSpanish):
    """El español de Sphinx con nuestras raíces."""

    js_stemmer_rawcode = ""
    js_stemmer_code = r"""
const foldWord = (word) =>
  word.toLowerCase().replaceAll("ñ", "\0").normalize("NFD").replace(/\p{M}/gu, "").replaceAll("\0", "ñ");
class Stemmer {
  stemWord(word) { return foldWord(word).replace(/(?<=...)([aeo]s?|s)$/u, "").replace(/c$/, "z"); }
}
"""

    def stem(self, word: str) -> str:
        return root(word)


@cache  # una vez por proceso: cada formato crea otra aplicación de Sphinx y envolvería lo envuelto
def count_only_section_titles() -> None:
    """El título de un ejercicio o de un teorema no dice de qué trata la página: en el índice cuenta como texto."""
    feed = IndexBuilder.feed

    def feed_chapter(self: IndexBuilder, docname: str, filename: str, title: str, doctree: nodes.document) -> None:
        doctree = doctree.deepcopy()
        for node in list(doctree.findall(nodes.title)):
            if not isinstance(node.parent, nodes.section):
                node.replace_self(nodes.paragraph("", node.astext()))
        feed(self, docname, filename, title, doctree)

    IndexBuilder.feed = feed_chapter  # type: ignore[method-assign]
