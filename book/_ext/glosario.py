"""El glosario: su página, su índice desde el inglés y los enlaces que llevan a él desde los capítulos.

Los términos están en ``book/apendices/glosario.yml``. La primera vez que un capítulo escribe uno en negrita, la negrita
se vuelve un enlace a su entrada, y la entrada enlaza de vuelta el capítulo. Sin la página en ``_toc.yml``, no hay
enlaces y nada más cambia.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from itertools import groupby
from pathlib import Path

import yaml
from busqueda import fold
from docutils import nodes
from ejecucion import Project
from myst_nb.core.read import is_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

PAGE = "apendices/glosario"
FUNCTION_WORDS = {"a", "al", "con", "contra", "de", "del", "en", "entre", "hacia", "por", "que", "sin", "uno"}

# --- Los datos --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """Una entrada de ``glosario.yml``; los nombres de los campos son los del archivo."""

    termino: str
    ingles: str
    definicion: str
    ambito: str = ""  # distingue dos entradas con el mismo término
    siglas: list[str] = field(default_factory=list)
    variantes: list[str] = field(default_factory=list)  # otros nombres correctos
    formas: list[str] = field(default_factory=list)  # flexiones que la regla del plural no da; no se muestran
    evitar: list[str] = field(default_factory=list)  # lo que los capítulos no escriben
    otro_ingles: list[str] = field(default_factory=list)
    solo_en: list[str] = field(default_factory=list)  # comienzos de documento donde el término tiene este sentido
    vease: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """El término con su ámbito, como lo nombra «vease»."""
        return f"{self.termino} {self.ambito}".strip()

    @property
    def anchor(self) -> str:
        """El identificador de la entrada en su página."""
        words = re.findall(r"[a-z0-9]+", fold(self.title).replace("ñ", "n"))
        return "-".join(["termino", *words])

    @cached_property
    def names(self) -> set[str]:
        """Todo lo que en un capítulo se reconoce como el término, en minúsculas."""
        written = [self.termino, *self.variantes, *self.formas]
        return {normal(name) for name in (*written, *map(plural, written), *self.siglas)}

    @cached_property
    def english_names(self) -> set[str]:
        """Sus nombres en inglés, también en plural."""
        names = {normal(name) for name in (self.ingles, *self.otro_ingles)}
        return {f"{name}{end}" for name in names for end in ("", "s", "es")} | {f"{name[:-1]}ves" for name in names}


def load_entries(path: Path) -> list[Entry]:
    """Lee el glosario.

    Raises:
        ValueError: si a una entrada le falta un campo, le sobra o es de otro tipo.
    """
    return _parse(path.read_text(encoding="utf-8"), path.name)


@lru_cache(maxsize=1)
def _parse(text: str, file: str) -> list[Entry]:
    entries = []
    kinds = {f.name: str if f.type is str else list for f in fields(Entry)}
    for item in yaml.safe_load(text):
        name = item.get("termino", item)
        if strange := set(item) - set(kinds):
            raise ValueError(f"{file}: «{name}» tiene campos que no existen: {', '.join(sorted(strange))}")
        if missing := {"termino", "ingles", "definicion"} - set(item):
            raise ValueError(f"{file}: a «{name}» le falta {', '.join(sorted(missing))}")
        for key, value in item.items():
            texts = value if isinstance(value, list) else [value]
            if not isinstance(value, kinds[key]) or not all(isinstance(t, str) and t.strip() for t in texts):
                kind = "un texto" if kinds[key] is str else "una lista de textos"
                raise ValueError(f"{file}: en «{name}», «{key}» debe ser {kind} y es {value!r}")
        entries.append(Entry(**item))
    return entries


def normal(text: str) -> str:
    """En minúsculas, con espacios sencillos y sin el punto final."""
    return " ".join(text.casefold().split()).rstrip(".")


def collation(text: str) -> str:
    """Clave del orden alfabético español: las tildes no cuentan y la eñe va tras la ene."""
    return fold(text).replace("ñ", "n{")


def plural(term: str) -> str:
    """El plural de un término: el de sus palabras hasta la primera que no se flexiona («tasas de aprendizaje»)."""
    words = term.split()
    end = next((i for i, word in enumerate(words) if word in FUNCTION_WORDS), len(words))
    return " ".join([*map(_plural_word, words[:end]), *words[end:]])


def _plural_word(word: str) -> str:
    if word[-1] in "aeiouáéó":
        return f"{word}s"
    if word[-1] in "sx":
        return word
    if word.endswith("z"):
        return f"{word[:-1]}ces"
    last = {"á": "a", "é": "e", "í": "i", "ó": "o", "ú": "u"}.get(word[-2:-1])
    return f"{word[:-2]}{last}{word[-1]}es" if last and word[-1] in "nl" else f"{word}es"


def find(entries: Iterable[Entry], text: str, document: str) -> Entry | None:
    """La entrada de un término tal como lo escribe un capítulo; ``None`` si no está."""
    named = [entry for entry in entries if normal(text) in entry.names]
    here = [entry for entry in named if any(document.startswith(start) for start in entry.solo_en)]
    anywhere = [entry for entry in named if not entry.solo_en]
    return next(iter(here or anywhere), None)


# --- La página --------------------------------------------------------------------------------------------------------


class uses_node(nodes.Inline, nodes.Element):
    """Los capítulos donde se define un término: se saben cuando todos están leídos."""


def english(text: str) -> nodes.Element:
    """Un término en inglés, que los lectores de pantalla pronuncian como tal."""
    return nodes.emphasis("", text, classes=["language-en"])


def link(text: str, anchor: str) -> nodes.Element:
    """Un enlace a un lugar de la misma página."""
    return nodes.reference("", text, refid=anchor, internal=True)


class Glossary(SphinxDirective):
    """Directiva ``glosario``: las entradas, por su término en español (con definición) o por el inglés (sin ella)."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        source = _data(self.env)
        self.env.note_dependency(str(source))
        self.entries = load_entries(source)
        write = {"español": self._spanish, "inglés": self._english}.get(self.arguments[0])
        if write is None:
            raise self.error(f"glosario: la lengua es «español» o «inglés»; se recibió {self.arguments[0]!r}")
        return write()

    def _spanish(self) -> list[nodes.Node]:
        jumps = nodes.paragraph(classes=["letras", "solo-web"])
        found: list[nodes.Node] = [jumps]
        for letter, group in groupby(self.entries, key=lambda entry: fold(entry.termino)[0].upper()):
            anchor = f"letra-{letter}".lower()
            jumps += [link(letter, anchor), nodes.Text(" ")]
            levels = {"level": 3, "heading-level": 4}  # en HTML, lo lee MyST; en LaTeX, Sphinx, que cuenta las partes
            found.append(nodes.rubric("", letter, ids=[anchor], **levels))
            found.append(nodes.definition_list("", *map(self._entry, group), classes=["glosario"]))
        return found

    def _entry(self, entry: Entry) -> nodes.Node:
        term = nodes.term("", entry.title, ids=[entry.anchor])
        acronyms = "".join(f"{name}, " for name in entry.siglas)
        others = [node for name in entry.otro_ingles for node in (nodes.Text(", "), english(name))]
        term += [nodes.Text(f" ({acronyms}"), english(entry.ingles), *others, nodes.Text(")")]
        children, messages = self.parse_inline(entry.definicion)
        details: list[nodes.Node] = []
        if entry.variantes:
            details.append(nodes.Text(f" También: {', '.join(entry.variantes)}."))
        if entry.evitar:
            details.append(nodes.Text(f" Se evita: {', '.join(f'«{name}»' for name in entry.evitar)}."))
        if entry.vease:
            by_name = {e.title: e for e in self.entries}
            links = [node for name in entry.vease for node in (nodes.Text(", "), link(name, by_name[name].anchor))][1:]
            details += [nodes.Text(" Véase "), *links, nodes.Text(".")]
        extra = nodes.paragraph("", "", *details, uses_node(anchor=entry.anchor), classes=["detalle"])
        body = nodes.definition("", nodes.paragraph("", "", *children), extra, *messages)
        return nodes.definition_list_item("", term, body)

    def _english(self) -> list[nodes.Node]:
        pairs = sorted(
            ((name, entry) for entry in self.entries for name in (entry.ingles, *entry.otro_ingles)),
            key=lambda pair: (collation(pair[0]), collation(pair[1].termino)),
        )
        found: list[nodes.Node] = []
        for letter, group in groupby(pairs, key=lambda pair: fold(pair[0])[0].upper()):
            line = nodes.paragraph("", "", nodes.strong("", letter), classes=["ingles"])
            for name, entry in group:
                target = link(entry.title, entry.anchor)
                line += [nodes.Text(" "), english(name), nodes.Text(": "), target, nodes.Text(";")]
            line[-1] = nodes.Text(".")
            found.append(line)
        return found


def _data(env: BuildEnvironment) -> Path:
    return Path(env.srcdir, f"{PAGE}.yml")


# --- Los enlaces ------------------------------------------------------------------------------------------------------


def mark_terms(app: Sphinx, doctree: nodes.document) -> None:
    """Señala la primera negrita de cada término en un capítulo y apunta que está ahí."""
    document, source, uses = app.env.docname, _data(app.env), set[str]()
    text = Path(app.env.doc2path(document)).read_text(encoding="utf-8")
    if not source.exists() or not is_myst_markdown_notebook(text):
        return  # no hay glosario, o no es un capítulo
    entries = load_entries(source)
    for strong in doctree.findall(nodes.strong):
        entry = find(entries, strong.astext(), document)
        if entry and entry.anchor not in uses and not isinstance(strong.parent, nodes.reference | nodes.title):
            strong["termino"] = entry.anchor
            uses.add(entry.anchor)
    _uses(app.env)[document] = uses


def _uses(env: BuildEnvironment) -> dict[str, set[str]]:
    """Los términos que define cada capítulo; se guarda con el entorno."""
    return env.__dict__.setdefault("glossary_uses", {})


class LinkTerms(SphinxPostTransform):
    """Escribe los enlaces, en los dos sentidos, cuando ya se sabe si la página del glosario está en el libro."""

    default_priority = 4
    formats = ("html", "latex")

    def run(self, **kwargs: object) -> None:
        here, builder = self.env.docname, self.app.builder
        if PAGE in self.env.found_docs:
            for strong in list(self.document.findall(lambda n: isinstance(n, nodes.strong) and "termino" in n)):
                link = make_refnode(builder, here, PAGE, strong["termino"], strong.deepcopy())
                link["classes"].append("termino")
                link["ids"] = [f"uso-{strong['termino']}"]  # las negritas no pueden ser destino en LaTeX
                strong.replace_self(link)
        order = Project(Path(self.env.srcdir).parent).documents()
        for node in list(self.document.findall(uses_node)):
            links: list[nodes.Node] = []
            for document in (d for d in order if node["anchor"] in _uses(self.env).get(d, [])):
                title = nodes.Text(self.env.titles[document].astext().partition(":")[0])
                target = make_refnode(builder, here, document, f"uso-{node['anchor']}", title)
                links += [nodes.Text(", " if links else " En "), target]
            node.replace_self([*links, nodes.Text(".")] if links else [])
        for paragraph in [n for n in self.document.findall(nodes.paragraph) if "detalle" in n["classes"]]:
            on_paper = builder.format == "latex" and isinstance(paragraph.parent, nodes.definition)
            if on_paper:
                paragraph.parent[0] += paragraph.children  # todo seguido, que ocupa menos
            if on_paper or not paragraph.astext():
                paragraph.parent.remove(paragraph)


def forget(app: Sphinx, env: BuildEnvironment, document: str) -> None:
    """Olvida lo que se sabía de una página que va a leerse otra vez."""
    _uses(env).pop(document, None)


def outdated(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Los capítulos, si el glosario cambió."""
    source = _data(env)
    text = source.read_text(encoding="utf-8") if source.exists() else ""
    stale = env.__dict__.get("glossary_text", text) != text
    env.__dict__["glossary_text"] = text
    return [d for d in Project(Path(app.srcdir).parent).chapters() if d in env.found_docs] if stale else []


def rewrite(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """La página del glosario enlaza los capítulos: se escribe otra vez cuando cambia alguno."""
    return [PAGE] if PAGE in env.found_docs else []


def setup(app: Sphinx) -> dict:
    """Registra la directiva y las transformaciones."""
    app.add_directive("glosario", Glossary)
    app.add_node(uses_node)
    app.add_post_transform(LinkTerms)
    app.connect("doctree-read", mark_terms)
    app.connect("env-purge-doc", forget)
    app.connect("env-get-outdated", outdated)
    app.connect("env-updated", rewrite)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
