"""El calendario de la página se mueve al día elegido, y dice lo mismo que el que escribe ``make calendario``."""

from datetime import date
from pathlib import Path

from calendario import calendar, read_plans
from ejecucion import Project
from icalendar import Calendar
from navegador import SITE
from plan import Workload
from playwright.sync_api import Browser

PROJECT = Project(Path(__file__).parents[2])


def days(text: bytes) -> dict[str, tuple[date, date]]:
    """Primer día y último de cada suceso."""
    events = Calendar.from_ical(text).walk("VEVENT")
    return {str(event["UID"]): (event.decoded("DTSTART"), event.decoded("DTEND")) for event in events}


def test_chosen_date_moves_the_calendar(browser: Browser, server: str, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(f"{server}calendario.html")
    page.fill("#inicio-quince-semanas", "2028-02-14")  # cruza el 29 de febrero
    with page.expect_download() as download:
        page.click("#inicio-quince-semanas ~ a")
    download.value.save_as(tmp_path / "curso.ics")
    assert download.value.suggested_filename == "quince-semanas.ics"
    page.close()
    moved = days((tmp_path / "curso.ics").read_bytes())
    plan = next(plan for plan in read_plans(PROJECT) if plan.key == "quince-semanas")
    assert moved == days(calendar(plan, date(2028, 2, 14), Workload(PROJECT), server).to_ical())
    assert moved != days((SITE / "calendarios" / "quince-semanas.ics").read_bytes())


def test_without_scripts_the_link_still_works(browser: Browser, server: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}calendario.html")
    with page.expect_download() as download:
        page.click("#inicio-ocho-semanas ~ a")
    assert download.value.suggested_filename == "ocho-semanas.ics"
    context.close()
