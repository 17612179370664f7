"""Las rutas: el temario de cada curso de origen, tema por tema, con el capítulo donde está y lo que lleva estudiarlo.

Los temas están en ``book/rutas/temarios.yml``. El estado de cada uno sale de ``_toc.yml`` y los tiempos, de contar las
palabras y de la ejecución guardada. Un apartado que no existe es un aviso de Sphinx, y con él la construcción falla.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml
from docutils import nodes
from ejecucion import Project, load
from ficha import duration, reading_minutes, title
from libro import reads_executions
from myst_parser.mdit_to_docutils.base import default_slugify
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


class Workload:
    """Lo que está listo del libro y lo que lleva leerlo y ejecutarlo."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.ready, self.executed = set(project.documents()), set(project.chapters())
        plan = yaml.safe_load((project.book / "plan.yml").read_text(encoding="utf-8"))
        self._planned = {document: title for part in plan for document, title in part["capitulos"].items()}

    def title(self, document: str) -> str:
        """El título del capítulo o, si no está listo, el provisional del plan."""
        return title(self.project, document) if document in self.ready else self._planned[document]

    def reading(self, document: str) -> int:
        """Minutos de lectura de un capítulo listo; las páginas que no son capítulos no cuentan."""
        if document not in self.executed:
            return 0
        return reading_minutes(self.project.source(document).read_text(encoding="utf-8"))

    def execution(self, document: str) -> float:
        """Segundos de ejecución de un capítulo listo."""
        return load(self.project, document).metadata["ejecucion"]["segundos"] if document in self.executed else 0.0

    def is_ready(self, topic: Topic) -> bool:
        return all(place.document in self.ready for place in topic.places)

    def measures(self, documents: set[str]) -> str:
        """Lo que llevan los capítulos listos de un conjunto; nada, si no hay ninguno."""
        chapters = documents & self.executed
        if not chapters:
            return ""
        reading, running = (sum(map(measure, chapters)) for measure in (self.reading, self.execution))
        return f"{duration(reading)} de lectura y {running_time(running)} de ejecución"

    def totals(self, topics: list[Topic]) -> str:
        """Cuántos temas hay, cuántos están listos y cuánto llevan; cada capítulo cuenta una vez."""
        ready = sum(self.is_ready(topic) for topic in topics)
        measures = self.measures({place.document for topic in topics for place in topic.places})
        facts = [_count(len(topics), "tema", "temas") + ", " + _count(ready, "listo", "listos")]
        facts += [measures] if measures else []
        watching = sum(topic.minutes for topic in topics)
        if watching:
            facts.append(f"{duration(watching)} de vídeo")
        return "; ".join(facts) + "."


def running_time(seconds: float) -> str:
    """Lo que tarda una ejecución: en segundos hasta el minuto y medio; después, en minutos."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else duration(seconds / 60)


def _count(amount: int, one: str, many: str) -> str:
    return f"{amount} {one if amount == 1 else many}"


def introduction(route: Route, load_of: Workload) -> str:
    """Lo que dice una ruta antes de sus secciones, en Markdown."""
    course = f" El curso está en <{route.address}>." if route.address else ""
    return f"{route.summary}{course}\n\n**En total:** {load_of.totals(route.topics)}"


def section_text(topics: tuple[Topic, ...], load_of: Workload, up: str) -> str:
    """Los temas de una sección, en Markdown: su nombre, el vídeo del curso y dónde se tratan.

    Args:
        up: lo que lleva del documento a la raíz del libro, como «../».
    """
    lines = [load_of.totals(list(topics)), "", "{.ruta}"]
    for topic in topics:
        video = f" ([vídeo, {topic.minutes} min]({topic.video}))" if topic.video else ""
        links = [chapter_link(place.document, load_of, up, place.heading) for place in topic.places]
        measures = load_of.measures({place.document for place in topic.places})
        lines += [f"- **{topic.name}**{video}", "", *(f"  {link}\n" for link in links), f"  {measures}\n"]
    return "\n".join(lines)


def chapter_link(document: str, load_of: Workload, up: str, heading: str = "") -> str:
    """Un enlace a un capítulo o a uno de sus apartados, en Markdown; si no está listo, su título y que falta."""
    name, address = load_of.title(document), f"{up}{document}.md"
    if document not in load_of.ready:
        return f"{name} (*en preparación*)"
    return f"[{name}: {heading}]({address}#{default_slugify(heading)})" if heading else f"[{name}]({address})"


class Markdown(SphinxDirective):
    """Lo que comparten estas directivas y las del calendario: de qué dependen y que escriben en Markdown."""

    def workload(self, source: str) -> Workload:
        project = Project(Path(self.env.srcdir).parent)
        reads_executions(self.env)
        for path in (project.root / "_toc.yml", project.book / "plan.yml", project.book / source):
            self.env.note_dependency(str(path))
        return Workload(project)

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
        load_of = self.workload(SYLLABI)
        routes = read_routes(load_of.project)
        key = self.arguments[0]
        if key not in routes:
            raise self.error(f"ruta: no hay ningún curso «{key}» en {SYLLABI}; hay {', '.join(routes)}")
        up = "../" * self.env.docname.count("/")
        sections = routes[key].sections.items()
        return [
            *self.markdown(introduction(routes[key], load_of)),
            *(self.section(heading, section_text(topics, load_of, up)) for heading, topics in sections),
        ]


class RouteList(Markdown):
    """Directiva ``rutas``: una entrada por curso."""

    def run(self) -> list[nodes.Node]:
        load_of = self.workload(SYLLABI)
        up = "../" * self.env.docname.count("/")
        lines = [
            f"- [{route.name}]({up}rutas/{route.key}.md), {route.institution}. {load_of.totals(route.topics)}"
            for route in read_routes(load_of.project).values()
        ]
        return self.markdown("\n".join(lines))


def setup(app: Sphinx) -> dict:
    """Registra las directivas."""
    app.add_directive("ruta", RoutePage)
    app.add_directive("rutas", RouteList)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
