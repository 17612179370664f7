"""Las rutas llevan a sitios que existen y ningún capítulo listo queda fuera de todas."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from capitulos import Chapter
from ejecucion import Project
from juguete import ROOT, chapter, make_book, write
from libro_minimo import build
from plan import Workload, read_plan, running_time
from rutas import Place, Route, Topic, read_routes, totals

BOOK = Project(ROOT)
TOPICS = 172  # los de los cinco temarios; uno que se pierda es un fallo


def unknown_places(project: Project, routes: dict[str, Route]) -> list[str]:
    """Los temas que llevan a una página que ni existe ni está prevista."""
    known = {document for part in read_plan(project) for document in part["capitulos"]} | set(project.documents())
    return [
        f"{route.key}: «{topic.name}» está en «{place.document}», que no está en _toc.yml ni en plan.yml"
        for route in routes.values()
        for topic in route.topics
        for place in topic.places
        if place.document not in known
    ]


def missing_headings(project: Project, routes: dict[str, Route]) -> list[str]:
    """Los apartados que el capítulo, ya listo, no tiene."""
    places = {place for route in routes.values() for topic in route.topics for place in topic.places}
    return [
        f"{place.document}: no tiene el apartado «{place.heading}»"
        for place in sorted(places, key=str)
        if place.heading and place.document in project.documents() and place.heading not in headings(project, place)
    ]


def headings(project: Project, place: Place) -> set[str]:
    """Los títulos de los apartados de un documento, sin marcas de cursiva."""
    lines = Chapter(project.source(place.document), place.document).prose.splitlines()
    return {line.lstrip("#").strip().replace("*", "") for line in lines if line.startswith("##")}


def unrouted(project: Project, routes: dict[str, Route]) -> set[str]:
    """Los capítulos listos a los que no lleva ninguna ruta."""
    return set(project.chapters()) - {p.document for r in routes.values() for t in r.topics for p in t.places}


def test_every_topic_leads_somewhere() -> None:
    routes = read_routes(BOOK)
    assert sum(len(route.topics) for route in routes.values()) == TOPICS
    assert unknown_places(BOOK, routes) == []
    assert missing_headings(BOOK, routes) == []


def test_every_ready_chapter_is_in_a_route() -> None:
    assert unrouted(BOOK, read_routes(BOOK)) == set()


def test_every_course_has_its_page() -> None:
    pages = {document.removeprefix("rutas/") for document in BOOK.documents() if document.startswith("rutas/")}
    assert pages == {"index", *read_routes(BOOK)}


def test_videos_say_how_long_they_are() -> None:
    topics = [topic for route in read_routes(BOOK).values() for topic in route.topics]
    assert all(bool(topic.video) == bool(topic.minutes) for topic in topics)
    assert sum(topic.minutes for topic in topics) > 0
    assert all(topic.video.startswith("https://") for topic in topics if topic.video)


# --- Con un libro de juguete ----------------------------------------------------------------------------------------

SYLLABI = """\
curso:
  nombre: Un curso
  institucion: Una universidad
  resumen: Lo que trata.
  secciones:
    "Unidad 1":
      - tema: Sumar
        en: "parte/suma#Un apartado"
        video: https://youtu.be/abc
        minutos: 75
      - tema: Restar
        en: parte/resta
      - tema: Las dos
        en: [parte/suma, parte/resta]
"""
PLAN = (
    "- parte: Parte\n  resumen: Cuentas.\n  capitulos:\n    parte/suma: La suma\n    parte/resta: La resta prevista\n"
)


@pytest.fixture
def toy(tmp_path: Path) -> Project:
    """Un libro con un capítulo listo, otro previsto y una ruta por los dos."""
    text = chapter("La suma", "print(1 + 1)", prose="Prosa.\n\n## Un apartado\n\nOtra.")
    page = "# Ruta\n\n```{ruta} curso\n```\n"
    project = make_book(tmp_path, {"rutas/curso": page, "parte/suma": text}, {"profundo/__init__.py": ""})
    write(tmp_path / "book" / "plan.yml", PLAN)
    write(tmp_path / "book" / "rutas" / "temarios.yml", SYLLABI)
    return project


def test_a_route_says_what_is_ready(toy: Project) -> None:
    done = build(toy.root, "html")
    assert done.returncode == 0, done.stderr
    html = (toy.root / "_build" / "html" / "rutas" / "curso.html").read_text(encoding="utf-8")
    article = BeautifulSoup(html, "html.parser").select_one("article")
    assert article is not None
    page = " ".join(article.get_text().split())
    assert page.startswith("Ruta# Lo que trata. En total: 3 temas, 1 listo; 5 min de lectura y ")
    assert re.search(r"listo; 5 min de lectura y \d+ s de ejecución; 1 h 15 min de vídeo\. Unidad 1#", page)
    link = article.select_one("a[href='../parte/suma.html#un-apartado']")
    assert link is not None
    assert link.get_text() == "La suma: Un apartado"
    assert "Restar La resta prevista (en preparación) Las dos" in page


def test_a_heading_that_is_gone_fails_the_build(toy: Project) -> None:
    source = toy.book / "parte" / "suma.md"
    source.write_text(source.read_text(encoding="utf-8").replace("## Un apartado", "## Otro"), encoding="utf-8")
    assert missing_headings(toy, read_routes(toy)) == ["parte/suma: no tiene el apartado «Un apartado»"]
    done = build(toy.root, "html")
    assert done.returncode == 1
    assert "un-apartado" in done.stderr


def test_an_unknown_route_fails_the_build(toy: Project) -> None:
    write(toy.book / "rutas" / "curso.md", "# Ruta\n\n```{ruta} otro\n```\n")
    done = build(toy.root, "html")
    assert done.returncode == 1
    assert "no hay ningún curso «otro»" in done.stderr


def test_planted_faults_are_found(toy: Project) -> None:
    stray = Route("x", "X", "Y", "Z.", "", {"S": (Topic("Nada", (Place("parte/nada"),)),)})
    assert unknown_places(toy, {"x": stray}) == [
        "x: «Nada» está en «parte/nada», que no está en _toc.yml ni en plan.yml"
    ]
    assert unrouted(toy, {"x": stray}) == {"parte/suma"}
    assert unrouted(toy, read_routes(toy)) == set()


def test_totals_count_each_chapter_once(toy: Project) -> None:
    topics = read_routes(toy)["curso"].topics
    book = Workload(toy)
    assert totals(topics, book) == totals([*topics[:1], topics[1], topics[0], topics[2]], book).replace(
        "4 temas, 2 listos", "3 temas, 1 listo"
    ).replace("2 h 30 min", "1 h 15 min")


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (89.4, "89 s"), (90, "2 min"), (5400, "1 h 30 min")])
def test_running_time(seconds: float, text: str) -> None:
    assert running_time(seconds) == text
