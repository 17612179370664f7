"""Las reglas del glosario, una función por regla: sus datos son correctos y los capítulos hablan como él.

Cada una recibe el proyecto y devuelve los problemas que encuentra, como las de ``reglas_capitulos.py``.
"""

import itertools
import re
from collections.abc import Iterator

from capitulos import Chapter, italics, relative
from ejecucion import Project
from glosario import PAGE, Entry, collation, find, load_entries, normal, plural

MIN_WORDS = 5
FILE = f"book/{PAGE}.yml"
# «**lote** (*batch*)», «**perceptrón multicapa** (MLP, *multilayer perceptron*)» y «(**uno contra el resto**, *…*)».
DEFINED = re.compile(
    r"\*\*(?P<term>[^*]+)\*\*(?:\s+\((?:[^\W\d_][\w/-]*,\s+)?|(?<=\*\*),\s+)\*(?P<english>[^*]+)\*", re.DOTALL
)
NAMED = re.compile(r"«[^»]*»|^#.*$", re.MULTILINE)


def entries_of(project: Project) -> list[Entry]:
    """Las entradas del glosario del proyecto."""
    return load_entries(project.book / f"{PAGE}.yml")


def listed_chapters(project: Project) -> list[Chapter]:
    """Los capítulos de ``_toc.yml``."""
    return [Chapter(project.source(d), d) for d in project.chapters()]


def line_at(text: str, position: int) -> int:
    """La línea de una posición, desde 1."""
    return text.count("\n", 0, position) + 1


# --- Los datos --------------------------------------------------------------------------------------------------------


def definitions_teach(project: Project) -> list[str]:
    """Una definición es una frase entera y no repite el término."""
    problems = []
    for entry in entries_of(project):
        where, text = f"{FILE}: «{entry.title}»", entry.definicion
        if not text.endswith("."):
            problems.append(f"{where}: la definición termina en punto")
        if len(text.split()) < MIN_WORDS:
            problems.append(f"{where}: una definición tiene {MIN_WORDS} palabras o más")
        if normal(text).startswith(normal(entry.termino) + " "):
            problems.append(f"{where}: la definición no empieza por el término")
    return problems


def alphabetical(project: Project) -> list[str]:
    """Las entradas van en orden alfabético y ninguna se repite."""
    entries = entries_of(project)
    problems = []
    for before, after in itertools.pairwise(entries):
        keys = [(collation(e.termino), collation(e.ambito)) for e in (before, after)]
        if keys[0] > keys[1]:
            problems.append(f"{FILE}: «{after.title}» va antes que «{before.title}»")
        if before.anchor == after.anchor:
            problems.append(f"{FILE}: «{after.title}» está dos veces")
    return problems


def unambiguous(project: Project) -> list[str]:
    """Un nombre lleva a una sola entrada; si dos lo comparten, «solo_en» las separa."""
    owners: dict[tuple[str, str], Entry] = {}
    problems = []
    for entry in entries_of(project):
        for name in sorted(entry.names):
            for start in entry.solo_en or [""]:
                other = owners.setdefault((name, start), entry)
                if other is not entry:
                    problems.append(
                        f"{FILE}: «{name}» es de «{other.title}» y de «{entry.title}»; quítalo de una o di en cuáles "
                        "capítulos tiene cada sentido, con «solo_en»"
                    )
    return problems


def cross_references_exist(project: Project) -> list[str]:
    """Lo que «vease» nombra está, y no es la propia entrada."""
    entries = entries_of(project)
    titles = {entry.title for entry in entries}
    return [
        f"{FILE}: «{entry.title}» manda a «{name}», que no está"
        for entry in entries
        for name in entry.vease
        if name not in titles - {entry.title}
    ]


def nothing_avoided_is_preferred(project: Project) -> list[str]:
    """Lo que una entrada evita no es un nombre de otra."""
    entries = entries_of(project)
    return [
        f"{FILE}: «{entry.title}» evita «{form}», que es un nombre de «{other.title}»"
        for entry in entries
        for form in entry.evitar
        for other in entries
        if {normal(form), normal(plural(form))} & other.names
    ]


# --- Los capítulos ----------------------------------------------------------------------------------------------------


def defined_terms(chapter: Chapter) -> Iterator[tuple[int, str, str]]:
    """Línea, término e inglés de cada «**término** (*inglés*)» de un capítulo."""
    for match in DEFINED.finditer(chapter.prose):
        yield line_at(chapter.prose, match.start()), " ".join(match["term"].split()), match["english"]


def defined_terms_listed(project: Project) -> list[str]:
    """Todo término que un capítulo define está en el glosario, con el mismo inglés."""
    entries = entries_of(project)
    problems = []
    for chapter in listed_chapters(project):
        for line, term, english in defined_terms(chapter):
            where = f"{relative(project, chapter.path)}:{line}: «{term}» ({' '.join(english.split())})"
            entry = find(entries, term, chapter.document)
            if entry is None:
                problems.append(f"{where} no está en {FILE}: añade la entrada o, si es otra forma de una, a «formas»")
            elif normal(english) not in entry.english_names:
                problems.append(f"{where}: en inglés, el glosario dice «{entry.ingles}»; corrige uno de los dos")
    return problems


def preferred_terms_used(project: Project) -> list[str]:
    """Ningún capítulo escribe una forma que el glosario evita, salvo entre comillas, en cursiva o en un título.

    Los títulos nombran los temas como los temarios, que a veces usan el inglés.
    """
    avoided = {normal(name): e for e in entries_of(project) for form in e.evitar for name in (form, plural(form))}
    if not avoided:
        return []
    forms = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in sorted(avoided, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w-])(?:{forms})(?![\w-])", re.IGNORECASE)
    problems = []
    for chapter in listed_chapters(project):
        mentions = italics(chapter.prose) + [match.span() for match in NAMED.finditer(chapter.prose)]
        for match in pattern.finditer(chapter.prose):
            if any(start <= match.start() < end for start, end in mentions):
                continue
            where = f"{relative(project, chapter.path)}:{line_at(chapter.prose, match.start())}"
            problems.append(f"{where}: «{match[0]}»: este libro dice «{avoided[normal(match[0])].termino}»")
    return problems


GLOSSARY_RULES = (
    definitions_teach,
    alphabetical,
    unambiguous,
    cross_references_exist,
    nothing_avoided_is_preferred,
    defined_terms_listed,
    preferred_terms_used,
)
