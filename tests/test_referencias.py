"""La bibliografía: cada entrada se cita, se puede encontrar y no se repite."""

import re
from collections import Counter
from pathlib import Path

import pytest
from bibliografia import FILE, citations
from ejecucion import Project
from libro_de_muestra import make_sample
from pybtex.database import parse_string

BOOK = Project(Path(__file__).parents[1])
DOI = re.compile(r"10\.\d{4,9}/\S+")


def problems(project: Project) -> list[str]:
    """Lo que está mal en ``referencias.bib``, mirado junto a los capítulos de ``_toc.yml``."""
    text = (project.book / FILE).read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{([^,\s]+),", text, re.MULTILINE)
    found = [f"«{key}» está repetida" for key, times in Counter(keys).items() if times > 1]
    if found:
        return found
    entries, cited = parse_string(text, "bibtex").entries, citations(project)
    found += [f"nadie cita «{key}»" for key in entries if key not in cited]
    found += [f"{cited[key][0]} cita «{key}», que no está" for key in cited if key not in entries]
    places: dict[str, str] = {}
    for key, entry in entries.items():
        fields = entry.fields
        if not {"doi", "url", "isbn"} & set(fields):
            found.append(f"«{key}» no tiene doi, url ni isbn")
        if "doi" in fields and not DOI.fullmatch(fields["doi"]):
            found.append(f"«{key}»: el doi va sin dirección, como 10.1000/xyz; tiene {fields['doi']}")
        if "url" in fields and not fields["url"].startswith("https://"):
            found.append(f"«{key}»: la dirección empieza por https://; tiene {fields['url']}")
        for place in {fields.get("doi", "").lower(), fields.get("url", "")} - {""}:
            if place in places:
                found.append(f"«{key}» y «{places[place]}» llevan al mismo sitio")
            places[place] = key
    return found


def test_bibliography_is_sound() -> None:
    assert problems(BOOK) == []


GOOD = """\
@book{a1999,
  author = {Ana},
  title = {T},
  publisher = {E},
  year = {1999},
  doi = {10.1000/abc},
}
"""
FAULTS = {
    "«a1999» está repetida": GOOD + GOOD,
    "nadie cita «b2000»": GOOD + GOOD.replace("a1999", "b2000").replace("/abc", "/abd"),
    "uno/alfa cita «a1999», que no está": "",
    "«a1999» no tiene doi, url ni isbn": GOOD.replace("  doi = {10.1000/abc},\n", ""),
    "«a1999»: el doi va sin dirección": GOOD.replace("{10.1000", "{https://doi.org/10.1000"),
    "«a1999»: la dirección empieza por https://": GOOD.replace("doi = {10.1000/abc}", "url = {http://ejemplo.org}"),
    "«b2000» y «a1999» llevan al mismo sitio": GOOD + GOOD.replace("a1999", "b2000"),
}


@pytest.fixture
def sample(tmp_path: Path) -> Project:
    """El libro de muestra, con una cita."""
    project = make_sample(tmp_path)
    source = project.source("uno/alfa")
    source.write_text(source.read_text(encoding="utf-8") + "\nComo {cite:t}`a1999`.\n", encoding="utf-8")
    return project


def test_sample_bibliography_is_sound(sample: Project) -> None:
    (sample.book / FILE).write_text(GOOD, encoding="utf-8")
    assert problems(sample) == []


@pytest.mark.parametrize(("message", "text"), FAULTS.items(), ids=FAULTS)
def test_planted_faults_are_found(sample: Project, message: str, text: str) -> None:
    (sample.book / FILE).write_text(text, encoding="utf-8")
    assert any(problem.startswith(message) for problem in problems(sample)), problems(sample)
