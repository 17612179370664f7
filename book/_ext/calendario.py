"""Los calendarios del curso: las tablas de la página y los archivos ``.ics`` salen de ``book/calendario.yml``.

El sitio ofrece los calendarios con la fecha de inicio que dice el archivo, y ``calendario.js`` los mueve a la que se
elija en la página. Sin navegador: ``make calendario INICIO=2027-08-09``.
"""

import argparse
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from pathlib import Path

import yaml
from docutils import nodes
from ejecucion import Project
from icalendar import Calendar, Event
from plan import Workload, read_plan
from rutas import Markdown
from sphinx.application import Sphinx

SOURCE = "calendario.yml"
PRACTICE = "práctica"
FORM = '<form class="calendario"'


@dataclass(frozen=True)
class Session:
    """Una sesión: su nombre («clase 1»), a cuántos días del comienzo cae y los capítulos que trata."""

    name: str
    day: int
    documents: tuple[str, ...]


@dataclass(frozen=True)
class Week:
    """Una semana: su número desde 1, su tema, sus sesiones y lo que se entrega."""

    number: int
    topic: str
    sessions: tuple[Session, ...]
    due: str = ""

    @property
    def documents(self) -> list[str]:
        """Los capítulos de la semana, sin la práctica."""
        return [document for session in self.sessions if session.name != PRACTICE for document in session.documents]


@dataclass(frozen=True)
class Plan:
    """Un plan de estudio."""

    key: str
    name: str
    summary: str
    weeks: tuple[Week, ...]


def read_plans(project: Project) -> list[Plan]:
    """Los planes de ``calendario.yml``, en su orden."""
    data = yaml.safe_load((project.book / SOURCE).read_text(encoding="utf-8"))
    plans = []
    for plan in data["planes"]:
        weeks = plan["semanas"] if "semanas" in plan else _in_order(project, plan["partes"], plan["por_semana"])
        known = {"tema", "entrega", *plan["dias"]}
        for week in weeks:
            unknown = ", ".join(sorted(set(week) - known))
            if unknown:
                raise ValueError(
                    f"{SOURCE}: en la semana «{week['tema']}» de «{plan['clave']}» no se entiende {unknown}"
                )
        read = tuple(_week(number, week, plan["dias"]) for number, week in enumerate(weeks, start=1))
        plans.append(Plan(plan["clave"], plan["nombre"], plan["resumen"], read))
    return plans


def _in_order(project: Project, parts: list[str], per_week: int) -> list[dict]:
    """Las semanas de un plan que sigue el orden del libro, parte por parte."""
    chapters = {part["parte"]: list(part["capitulos"]) for part in read_plan(project)}
    return [
        {"tema": part, "lectura": chapters[part][start : start + per_week]}
        for part in parts
        for start in range(0, len(chapters[part]), per_week)
    ]


def _week(number: int, week: dict, days: dict[str, int]) -> Week:
    sessions = tuple(Session(name, day, tuple(week.get(name, ()))) for name, day in days.items())
    return Week(number, week["tema"], sessions, week.get("entrega", ""))


def start_date(project: Project) -> date:
    """El día en que empiezan los calendarios mientras nadie elige otro."""
    return yaml.safe_load((project.book / SOURCE).read_text(encoding="utf-8"))["inicio"]


# --- Los archivos .ics ----------------------------------------------------------------------------------------------


def calendar(plan: Plan, start: date, book: Workload, address: str) -> Calendar:
    """Un plan como calendario (RFC 5545): un suceso de día entero por sesión y otro por entrega.

    Args:
        start: el primer día de la primera semana.
        address: la dirección del sitio, terminada en «/», para enlazar los capítulos.
    """
    found = Calendar()
    found.add("prodid", "-//Aprendizaje profundo//Calendario//ES")
    found.add("version", "2.0")
    found.add("x-wr-calname", f"Aprendizaje profundo: {plan.name}")
    stamp = datetime.combine(start, time(), UTC)
    for week in plan.weeks:
        monday = start + timedelta(weeks=week.number - 1)
        for session in week.sessions:
            documents = session.documents or (tuple(week.documents) if session.name == PRACTICE else ())
            if not documents:
                continue
            about = " y ".join(book.title(document) for document in documents)
            lead = "Ejercicios de " if session.name == PRACTICE and not session.documents else ""
            links = [f"{address}{document}.html" for document in documents if document in book.ready]
            name = f"Semana {week.number}, {session.name}: {lead}{about}"
            uid = f"{plan.key}-{week.number}-{session.name.replace(' ', '-')}"
            found.add_component(_event(uid, name, monday + timedelta(days=session.day), stamp, links))
        if week.due:
            day = monday + timedelta(days=week.sessions[-1].day)
            found.add_component(_event(f"{plan.key}-{week.number}-entrega", f"Entrega: {week.due}", day, stamp, []))
    return found


def _event(uid: str, name: str, day: date, stamp: datetime, links: list[str]) -> Event:
    event = Event()
    event.add("uid", f"{uid}@aprendizaje-profundo")
    event.add("dtstamp", stamp)
    event.add("summary", name)
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    if links:
        event.add("description", "\n".join(links))
    event.add("transp", "TRANSPARENT")
    return event


def write_calendars(project: Project, start: date, address: str, folder: Path) -> list[Path]:
    """Escribe un ``.ics`` por plan y devuelve dónde."""
    folder.mkdir(parents=True, exist_ok=True)
    book, paths = Workload(project), []
    for plan in read_plans(project):
        path = folder / f"{plan.key}.ics"
        path.write_bytes(calendar(plan, start, book, address).to_ical())
        paths.append(path)
    return paths


# --- La página ------------------------------------------------------------------------------------------------------


def week_text(week: Week, book: Workload) -> str:
    """Una semana en Markdown: sus sesiones, lo que se entrega y lo que llevan los capítulos listos."""
    lines = []
    for session in week.sessions:
        what = " y ".join(book.link(document) for document in session.documents)
        if session.name == PRACTICE and not session.documents:
            what = "los ejercicios de la semana"
        if what:
            lines.append(f"- **{session.name.capitalize()}:** {what}.")
    if week.due:
        lines.append(f"- **Entrega:** {week.due}.")
    measures = book.measures(set(week.documents))
    return "\n".join([*lines, "", f"{measures}." if measures else ""])


def week_line(week: Week, book: Workload) -> str:
    """Una semana en un renglón de una lista numerada de Markdown."""
    chapters = " y ".join(book.link(document) for document in week.documents)
    measures = book.measures(set(week.documents))
    return f"{week.number}. {chapters}. {measures}" + ("." if measures else "")


class PlanPage(Markdown):
    """Directiva ``plan``: las semanas de un plan; su argumento es la clave en ``calendario.yml``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        book = self.workload(SOURCE)
        plans = {plan.key: plan for plan in read_plans(book.project)}
        key = self.arguments[0]
        if key not in plans:
            raise self.error(f"plan: no hay ningún plan «{key}» en {SOURCE}; hay {', '.join(plans)}")
        plan = plans[key]
        if not any(session.name.startswith("clase") for week in plan.weeks for session in week.sessions):
            weeks = self.markdown("\n".join(week_line(week, book) for week in plan.weeks))
        else:
            weeks = [self.section(f"Semana {w.number}. {w.topic}", week_text(w, book)) for w in plan.weeks]
        return [*self.markdown(plan.summary), self._form(plan, start_date(book.project)), *weeks]

    def _form(self, plan: Plan, start: date) -> nodes.Node:
        """Para elegir el primer día y descargar; sin JavaScript queda el enlace con la fecha de partida."""
        field = f"inicio-{plan.key}"
        html = (
            f'{FORM} data-inicio="{start}"><label for="{field}">Primer día de clase</label> '
            f'<input id="{field}" type="date" value="{start}" required> '
            f'<a class="accion" href="calendarios/{escape(plan.key)}.ics" download>'
            "Descargar el calendario (.ics)</a></form>"
        )
        return nodes.raw("", html, format="html", classes=["solo-sitio"])


class Assessment(Markdown):
    """Directiva ``evaluacion``: la propuesta de evaluación, en una tabla."""

    def run(self) -> list[nodes.Node]:
        book = self.workload(SOURCE)
        rows = yaml.safe_load((book.project.book / SOURCE).read_text(encoding="utf-8"))["evaluacion"]
        lines = ["| Qué | Peso | Cuándo |", "| --- | ---: | --- |"]
        lines += [f"| {row['que']} | {row['peso']} % | {row['cuando']} |" for row in rows]
        return self.markdown("\n".join(lines))


def add_script(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Carga ``calendario.js`` solo donde hay un calendario que mover."""
    if FORM in context.get("body", ""):
        context["guiones"] = ["calendario.js"]


def write_site_calendars(app: Sphinx, exception: Exception | None) -> None:
    """Deja en el sitio los calendarios que enlaza la página."""
    project = Project(Path(app.srcdir).parent)
    if exception or app.builder.name != "html" or not (project.book / SOURCE).exists():
        return
    write_calendars(project, start_date(project), app.config.html_baseurl, Path(app.outdir, "calendarios"))


def setup(app: Sphinx) -> dict:
    """Registra las directivas."""
    app.add_directive("plan", PlanPage)
    app.add_directive("evaluacion", Assessment)
    app.connect("html-page-context", add_script)
    app.connect("build-finished", write_site_calendars)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def main() -> int:
    parser = argparse.ArgumentParser(description="Escribe los calendarios del curso en _build/calendarios.")
    parser.add_argument("--inicio", type=date.fromisoformat, help="primer día de clase, como 2027-08-09")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="raíz del proyecto")
    arguments = parser.parse_args()
    project = Project(arguments.root.resolve())
    address = yaml.safe_load((project.root / "_config.yml").read_text(encoding="utf-8"))["html"]["baseurl"]
    start = arguments.inicio or start_date(project)
    for path in write_calendars(project, start, address, project.root / "_build" / "calendarios"):
        print(path.relative_to(project.root))
    return 0


if __name__ == "__main__":
    sys.exit(main())
