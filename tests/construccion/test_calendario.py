"""Los calendarios: planes coherentes con el libro y archivos ``.ics`` que cualquier agenda entiende."""

import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from calendario import PRACTICE, Plan, Session, Week, calendar, read_plans, start_date
from capitulos import Chapter
from ejecucion import Project
from icalendar import Calendar
from juguete import ROOT
from plan import Workload

BOOK = Project(ROOT)
PLANS = read_plans(BOOK)
SITE = "https://ejemplo.org/libro/"
REQUIRED = ("UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY")


def ics(plan: Plan, start: date = date(2027, 8, 9)) -> bytes:
    return calendar(plan, start, Workload(BOOK), SITE).to_ical()


# --- Los archivos ---------------------------------------------------------------------------------------------------


def problems(text: bytes) -> list[str]:
    """Lo que incumple la RFC 5545, de lo que aquí se usa."""
    found = []
    if re.search(rb"(?<!\r)\n", text):
        found.append("hay líneas que no terminan en CRLF")
    found += [f"línea de {len(line)} octetos" for line in text.split(b"\r\n") if len(line) > 75]
    parsed = Calendar.from_ical(text)
    found += [f"falta {name} en el calendario" for name in ("VERSION", "PRODID") if name not in parsed]
    events = parsed.walk("VEVENT")
    for event in events:
        found += [f"falta {name} en un suceso" for name in REQUIRED if name not in event]
        found += [f"no se entiende {name}" for name, _ in event.errors]
        if not event.errors and event.decoded("DTSTART") >= event.decoded("DTEND"):
            found.append("un suceso termina antes de empezar")
    identifiers = [str(event.get("UID")) for event in events]
    if len(set(identifiers)) < len(identifiers):
        found.append("hay UID repetidos")
    return found


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.key)
def test_calendars_are_valid(plan: Plan) -> None:
    assert problems(ics(plan)) == []


FAULTS = {
    "no terminan en CRLF": (b"\r\nVERSION", b"\nVERSION"),
    "octetos": (b"SUMMARY:", b"SUMMARY:" + b"x" * 80),
    "falta VERSION": (b"VERSION:2.0\r\n", b""),
    "falta UID": (b"UID:quince-semanas-1-clase-1@aprendizaje-profundo\r\n", b""),
    "falta DTSTAMP": (b"DTSTAMP:20270809T000000Z\r\n", b""),
    "no se entiende": (b"DTSTART;VALUE=DATE:20270809", b"DTSTART;VALUE=DATE:agosto"),
    "termina antes de empezar": (b"DTEND;VALUE=DATE:20270810", b"DTEND;VALUE=DATE:20270801"),
    "UID repetidos": (b"quince-semanas-1-clase-2@", b"quince-semanas-1-clase-1@"),
}


@pytest.mark.parametrize(("message", "change"), FAULTS.items(), ids=FAULTS)
def test_validation_finds_planted_faults(message: str, change: tuple[bytes, bytes]) -> None:
    text = ics(PLANS[0])
    assert change[0] in text
    assert any(message in problem for problem in problems(text.replace(*change, 1)))


def test_sessions_fall_on_their_days() -> None:
    start = date(2027, 8, 9)
    events = {str(e["UID"]): e for e in Calendar.from_ical(ics(PLANS[0], start)).walk("VEVENT")}
    third = events["quince-semanas-3-clase-2@aprendizaje-profundo"]
    assert third.decoded("DTSTART") == start + timedelta(weeks=2, days=2)
    assert third.decoded("DTEND") - third.decoded("DTSTART") == timedelta(days=1)
    assert str(third["SUMMARY"]).startswith("Semana 3, clase 2: El perceptrón multicapa")
    assert f"{SITE}fundamentos/mlp.html" in str(third["DESCRIPTION"])


def test_the_command_writes_them(tmp_path: Path) -> None:
    for name in ("book/calendario.yml", "book/plan.yml", "_config.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\nparts: []\n", encoding="utf-8")
    (tmp_path / "book" / "index.md").write_text("# Inicio\n", encoding="utf-8")
    command = [sys.executable, ROOT / "book" / "_ext" / "calendario.py", "--root", tmp_path, "--inicio"]
    done = subprocess.run([*command, "2028-02-28"], capture_output=True, text=True, check=True)
    files = sorted((tmp_path / "_build" / "calendarios").iterdir())
    assert [path.stem for path in files] == sorted(plan.key for plan in PLANS)
    assert len(done.stdout.splitlines()) == len(PLANS)
    assert b"DTSTART;VALUE=DATE:20280228" in files[0].read_bytes()
    assert all(problems(path.read_bytes()) == [] for path in files)
    wrong = subprocess.run([*command, "28/02/2028"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "28/02/2028" in wrong.stderr


# --- Los planes -----------------------------------------------------------------------------------------------------


def test_plans_have_their_weeks() -> None:
    weeks = {plan.key: len(plan.weeks) for plan in PLANS}
    assert weeks["quince-semanas"] == 15
    assert weeks["ocho-semanas"] == 8
    assert all(week.documents for plan in PLANS for week in plan.weeks)
    classes = [session for session in PLANS[0].weeks[0].sessions if session.name.startswith("clase")]
    assert len(classes) == 2


def test_calendars_start_on_a_monday() -> None:
    assert start_date(BOOK).weekday() == 0


def test_assessment_adds_up() -> None:
    rows = yaml.safe_load((BOOK.book / "calendario.yml").read_text(encoding="utf-8"))["evaluacion"]
    assert sum(row["peso"] for row in rows) == 100


def out_of_order(plan: Plan, needs: dict[str, set[str]]) -> list[str]:
    """Los capítulos que un plan trata antes que uno de sus requisitos, o más de una vez.

    Args:
        needs: los requisitos de cada capítulo listo.
    """
    order = [document for week in plan.weeks for document in week.documents]
    found = [f"«{document}» está dos veces" for document in set(order) if order.count(document) > 1]
    for index, document in enumerate(order):
        late = needs.get(document, set()) & set(order[index + 1 :])
        found += [f"«{document}» va antes que «{other}», que necesita" for other in sorted(late)]
    return found


def requirements() -> dict[str, set[str]]:
    """Los capítulos que enlaza el campo «requisitos» de la ficha de cada uno."""
    needs = {}
    for document in BOOK.chapters():
        sheets = [b for b in Chapter(BOOK.source(document), document).blocks if b.name == "ficha"]
        needs[document] = set(re.findall(r"\((?:\.\./)?([\w/]+)\.md", sheets[0].options["requisitos"]))
    return needs


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.key)
def test_no_chapter_comes_before_what_it_needs(plan: Plan) -> None:
    assert out_of_order(plan, requirements()) == []


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.key)
def test_plans_name_real_chapters(plan: Plan) -> None:
    book = Workload(BOOK)
    assert all(book.title(document) for week in plan.weeks for s in week.sessions for document in s.documents)


def test_order_check_finds_planted_faults() -> None:
    sessions = (Session("clase 1", 0, ("b", "a")), Session(PRACTICE, 4, ("b",)), Session("clase 2", 2, ("b",)))
    plan = Plan("p", "P", "", (Week(1, "T", sessions),))
    assert sorted(out_of_order(plan, {"b": {"a"}, "a": {"z"}})) == [
        "«b» está dos veces",
        "«b» va antes que «a», que necesita",
    ]


def test_a_misspelt_session_is_reported(tmp_path: Path) -> None:
    data = yaml.safe_load((BOOK.book / "calendario.yml").read_text(encoding="utf-8"))
    data["planes"][0]["semanas"][1]["clase2"] = ["fundamentos/mlp"]
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "calendario.yml").write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ValueError, match=r"«Una neurona» de «quince-semanas» no se entiende clase2"):
        read_plans(Project(tmp_path))
