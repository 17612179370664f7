"""La prosa no tiene faltas, y una falta plantada se encuentra donde está."""

from pathlib import Path

import pytest
from capitulos import strip_inline
from ortografia import (
    ROOT,
    Word,
    code_words,
    document_words,
    glossary_words,
    known,
    page_words,
    project_words,
    read_list,
    spelling_problems,
)


def test_project_has_no_misspellings() -> None:
    problems = spelling_problems(project_words(ROOT), read_list(), ROOT)
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


PAGE = """\
---
file_format: mystnb
---

(fundamentos-xyzt)=
# El título

:::{ficha}
:requisitos: [Descenso](../fundamentos/descenso_xyzt.md)
:video: https://youtu.be/xyzt | Xyzt | 17
:::

La tasa de aprendizaje (*lerning xyzt*) y `codexyzt` con $xyzt$ y {cite:p}`xyzt2020`, {glue:text}`xyzt-n`,
[enlace](https://xyzt.org), {ref}`otro texto <xyzt>` y *deep learning*.

```{math}
:label: ec-xyzt
xyzt = 1
```

```{code-cell} python
---
mystnb:
  figure:
    name: fig-xyzt
    caption: Una recta.
  image:
    alt: >-
      Una recta
      que sube.
---
xyzt = zyxw["xyzt wvut"]
ax.plot(xyzt, "k--")
```

:::{admonition} Pista
Suma.
:::
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "pagina.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def unknown(found: list[Word], path: Path, own: tuple[str, ...] = ()) -> list[str]:
    """«línea: palabra» de cada palabra desconocida."""
    problems = spelling_problems(found, sorted(own), path.parent)
    return [p.removeprefix(f"{path.name}:").split("»")[0].replace("«", "") for p in problems]


def test_page_without_faults(page: Path) -> None:
    assert unknown(list(page_words(page)), page) == []


@pytest.mark.parametrize(
    ("right", "wrong", "word"),
    [
        ("La tasa de", "La retropropagasion de", "retropropagasion"),
        ("y *deep", "y tmabién *deep", "tmabién"),
        ("# El título", "# El titulo xeito", "xeito"),
        ("[Descenso]", "[Descensso]", "Descensso"),
        ("caption: Una recta", "caption: Una rrecta", "rrecta"),
        ("      que sube", "      ke sube", "ke"),
        ("xyzt = zyxw", "# Comentario malescrito\nxyzt = zyxw", "malescrito"),
        ('"k--")', '"k--", label="Exactitut de prueba")', "Exactitut"),
        ("{admonition} Pista", "{admonition} Pysta", "Pysta"),
        ("Suma.", "Summa.", "Summa"),
        ("otro texto <", "otro tecsto <", "tecsto"),
        ("*deep learning*", "*deeep learning*", "deeep"),
        ("*deep learning*", "deep sin cursiva", "deep"),
    ],
)
def test_planted_misspelling_is_found(page: Path, right: str, wrong: str, word: str) -> None:
    assert PAGE.count(right) == 1
    line = PAGE.count("\n", 0, PAGE.index(right)) + 1
    page.write_text(PAGE.replace(right, wrong), encoding="utf-8")
    assert unknown(list(page_words(page)), page) == [f"{line}: {word}"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ver {ref}`a` y `b` y {eq}`c`.", "ver y y ."),
        ("`:::{ficha}` y `x`", "y"),
        ("la {ref}`sección dos <dos>` y {term}`gradiente`", "la sección dos y gradiente"),
        ("cita `` {glue:text}`x-n` `` así", "cita así"),
        ("cuesta 5 \\$ y $x_1$ vale", "cuesta 5 \\$ y vale"),
        ("[texto](a_b(c).md) y <https://a.org/b>", "[texto] y"),
        ("antes <!-- nota\nlarga --> después", "antes después"),
        ("a $x\n+ y$ b", "a b"),
    ],
)
def test_what_is_not_prose_is_removed(text: str, kept: str) -> None:
    stripped = strip_inline(text)
    assert stripped.split() == kept.split()
    assert stripped.count("\n") == text.count("\n")


@pytest.mark.parametrize("word", ["ordénalo", "depurarlo", "entrenándose", "constrúyelos", "dígamelo"])
def test_verbs_take_pronouns(word: str) -> None:
    assert known(word)


@pytest.mark.parametrize("word", ["casalo", "ordenálo", "xyztlo", "retropropagasión"])
def test_not_everything_takes_pronouns(word: str) -> None:
    assert not known(word)


CODE = '''\
"""Un módulo con ``xyzt`` y `wvut`."""

from typing import Literal

MODE: Literal["xyzt wvut", "xyzt zyxw"] = "xyzt_wvut"


def f(x: Float[Tensor, "xyzt wvut"]) -> None:
    """Calcula algo.

    Args:
        xyzt: la entrada.

    Raises:
        ValueError: si no vale.
    """
    rearrange(x, "xyzt wvut -> wvut xyzt")  # el eje «d», con np.xyzt y ru_xyzt  # noqa: XYZT
    raise ValueError(f"x debe ser positivo; se recibió {x}")
'''


def test_code_without_faults(tmp_path: Path) -> None:
    assert unknown(list(code_words(CODE, tmp_path / "m.py")), tmp_path / "m.py") == []


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("Un módulo", "Un móduulo", "1: móduulo"),
        ("la entrada.", "la entrrada.", "12: entrrada"),
        ("el eje", "el exe", "17: exe"),
        ("debe ser", "deve cer", "18: cer"),
    ],
)
def test_planted_misspelling_in_code_is_found(tmp_path: Path, right: str, wrong: str, problem: str) -> None:
    source = CODE.replace(right, wrong)
    assert source != CODE
    assert problem in unknown(list(code_words(source, tmp_path / "m.py")), tmp_path / "m.py")


def test_english_section_is_not_checked(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("Hola.\n\n<!-- lang: en -->\nHello everyone.\n\n<!-- lang: es -->\nAdiox.\n", encoding="utf-8")
    assert unknown(list(document_words(path)), path) == ["7: Adiox"]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (["perceptrón", "hiperplano"], "va en orden y sin repetir"),
        (["hiperplano", "hiperplano", "perceptrón"], "va en orden y sin repetir"),
        (["casa", "hiperplano", "perceptrón"], "sobra «casa»: el diccionario la tiene"),
        (["hiperplano", "perceptrón", "retropropagación"], "sobra «retropropagación»: nadie la usa"),
        (["hiperplano", "Perceptrón", "perceptrón"], "sobra «Perceptrón»: ya está en minúscula"),
    ],
)
def test_word_list_is_kept_tidy(tmp_path: Path, own: list[str], message: str) -> None:
    found = [Word(text, tmp_path / "a.md", 1) for text in ("Perceptrón", "hiperplano", "casa")]
    problems = spelling_problems(found, own, tmp_path)
    assert len(problems) == 1
    assert message in problems[0]


def test_listed_words_are_accepted_with_initial_capital_but_not_the_other_way(tmp_path: Path) -> None:
    found = [Word(text, tmp_path / "a.md", 1) for text in ("Perceptrón", "Rosenblatt", "rosenblatt")]
    problems = spelling_problems(found, ["perceptrón", "Rosenblatt"], tmp_path)
    assert len(problems) == 1
    assert "«rosenblatt»" in problems[0]


GLOSSARY = """\
# Un comentario con `nombre_xyzt`.

- termino: lote xyzta
  ingles: xyzt
  siglas: [xyzt]
  definicion: >-
    Grupo de ejemplos con $xyzt$
    y una palabra xyztb.
  variantes: [minilote, "xyztc"]
  evitar: [xyzt]
  vease: [xyzt]
"""


def test_glossary_fields_in_spanish_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "glosario.yml"
    path.write_text(GLOSSARY, encoding="utf-8")
    found = [problem.split(":")[1:3] for problem in spelling_problems(glossary_words(path), ["minilote"], tmp_path)]
    assert [f"{line}{text.split('»')[0]}" for line, text in found] == ["3 «xyzta", "8 «xyztb", "9 «xyztc"]
