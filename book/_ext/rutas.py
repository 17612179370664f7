"""Las rutas: el temario de cada curso de origen, tema por tema, con el capítulo donde está y lo que lleva estudiarlo.

Los temas están en ``book/rutas/temarios.yml``. El estado de cada uno sale de ``_toc.yml`` y los tiempos, de contar las
palabras y de la ejecución guardada. Un apartado que no existe es un aviso de Sphinx, y con él la construcción falla.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import yaml
from docutils import nodes
from ejecucion import Project
from plan import Workload, duration, workload
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

SYLLABI = "rutas/temarios.yml"


@dataclass(frozen=True)
class Place:
    """Dónde se trata un tema: un documento y, si no es entero, el título de un apartado."""

    document: str
    heading: str = ""


@dataclass(frozen=True)
class Topic:
    """Un tema, con el nombre que le da su curso."""

    name: str
    places: tuple[Place, ...]
    video: str = ""
    minutes: int = 0


@dataclass(frozen=True)
class Route:
    """El temario de un curso: sus secciones, cada una con sus temas."""

    key: str
    name: str
    institution: str
    summary: str
    address: str
    sections: dict[str, tuple[Topic, ...]]

    @property
    def topics(self) -> list[Topic]:
        return [topic for topics in self.sections.values() for topic in topics]


def read_routes(project: Project) -> dict[str, Route]:
    """Las rutas de ``temarios.yml``, en su orden."""
    data = yaml.safe_load((project.book / SYLLABI).read_text(encoding="utf-8"))
    return {key: _route(key, course) for key, course in data.items()}


def _route(key: str, course: dict) -> Route:
    sections = {heading: tuple(map(_topic, topics)) for heading, topics in course["secciones"].items()}
    address = course.get("direccion", "")
    return Route(key, course["nombre"], course["institucion"], course["resumen"], address, sections)


def _topic(topic: dict) -> Topic:
    listed = topic["en"] if isinstance(topic["en"], list) else [topic["en"]]
    places = tuple(Place(document, heading) for document, _, heading in (entry.partition("#") for entry in listed))
    return Topic(topic["tema"], places, topic.get("video", ""), topic.get("minutos", 0))


def is_ready(topic: Topic, book: Workload) -> bool:
    """Si están listos todos los capítulos donde se trata un tema."""
    return all(place.document in book.ready for place in topic.places)


def totals(topics: Iterable[Topic], book: Workload) -> str:
    """Cuántos temas hay, cuántos están listos y cuánto llevan; cada capítulo cuenta una vez."""
    topics = list(topics)
    ready = sum(is_ready(topic, book) for topic in topics)
    measures = book.measures({place.document for topic in topics for place in topic.places})
    facts = [_count(len(topics), "tema", "temas") + ", " + _count(ready, "listo", "listos")]
    facts += [measures] if measures else []
    watching = sum(topic.minutes for topic in topics)
    if watching:
        facts.append(f"{duration(watching)} de vídeo")
    return "; ".join(facts) + "."


def _count(amount: int, one: str, many: str) -> str:
    return f"{amount} {one if amount == 1 else many}"


def introduction(route: Route, book: Workload) -> str:
    """Lo que dice una ruta antes de sus secciones, en Markdown."""
    course = f" El curso está en <{route.address}>." if route.address else ""
    return f"{route.summary}{course}\n\n**En total:** {totals(route.topics, book)}"


def section_text(topics: tuple[Topic, ...], book: Workload) -> str:
    """Los temas de una sección, en Markdown: su nombre, el vídeo del curso y dónde se tratan."""
    lines = [totals(topics, book), "", "{.ruta}"]
    for topic in topics:
        video = f" ([vídeo, {topic.minutes} min]({topic.video}))" if topic.video else ""
        links = [book.link(place.document, place.heading) for place in topic.places]
        measures = book.measures({place.document for place in topic.places})
        lines += [f"- **{topic.name}**{video}", "", *(f"  {link}\n" for link in links), f"  {measures}\n"]
    return "\n".join(lines)


class Markdown(SphinxDirective):
    """Lo que comparten estas directivas y las del calendario: de qué dependen y que escriben en Markdown."""

    def workload(self, source: str) -> Workload:
        book = workload(self.env)
        self.env.note_dependency(str(book.project.book / source))
        return book

    def markdown(self, text: str) -> list[nodes.Node]:
        return self.parse_text_to_nodes(text)

    def section(self, title: str, text: str) -> nodes.section:
        """Una sección; escrita dentro del Markdown, MyST la colgaría de la página antes que lo demás."""
        section = nodes.section("", nodes.title("", title), names=[nodes.fully_normalize_name(title)])
        section += self.markdown(text)
        self.state.document.note_implicit_target(section, section)
        return section


class RoutePage(Markdown):
    """Directiva ``ruta``: el temario entero de un curso; su argumento es la clave en ``temarios.yml``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        book = self.workload(SYLLABI)
        routes = read_routes(book.project)
        key = self.arguments[0]
        if key not in routes:
            raise self.error(f"ruta: no hay ningún curso «{key}» en {SYLLABI}; hay {', '.join(routes)}")
        sections = routes[key].sections.items()
        return [
            *self.markdown(introduction(routes[key], book)),
            *(self.section(heading, section_text(topics, book)) for heading, topics in sections),
        ]


class RouteList(Markdown):
    """Directiva ``rutas``: una entrada por curso."""

    def run(self) -> list[nodes.Node]:
        book = self.workload(SYLLABI)
        lines = [
            f"- [{route.name}](/rutas/{route.key}.md), {route.institution}. {totals(route.topics, book)}"
            for route in read_routes(book.project).values()
        ]
        return self.markdown("\n".join(lines))


def setup(app: Sphinx) -> dict:
    """Registra las directivas."""
    app.add_directive("ruta", RoutePage)
    app.add_directive("rutas", RouteList)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
