"""Un libro de muestra que cumple todas las reglas, para estropearle una cosa cada vez."""

from pathlib import Path

from ejecucion import Project

TOC = """\
format: jb-book
root: index
parts:
  - caption: Primera
    chapters:
      - file: uno/alfa
  - caption: Segunda
    chapters:
      - file: dos/beta
"""

HEADER = """\
---
file_format: mystnb
kernelspec:
  name: python3
---
"""

FIGURE = """\
Lo anuncia {{numref}}`fig-{stem}`.

```{{code-cell}} python
---
mystnb:
  figure:
    name: fig-{stem}
    caption: Una recta que sube.
  image:
    alt: Una recta que sube de izquierda a derecha.
---
fig, ax = plt.subplots()
ax.plot([1, 2])
plt.show()
```
"""

EXERCISE = """\
```{{exercise-start}} Ejercicio {number}
:label: ej-{stem}-{number}
```
Escribe la función.

:::{{hint}}
Suma.
:::
```{{exercise-end}}
```

```{{code-cell}} python
def mi_{name}(x):
    ...


comprobar("{name}", mi_{name})
```

```{{solution-start}} ej-{stem}-{number}
:class: dropdown
```
Basta con sumar.
```{{code-cell}} python
def {name}(x):
    return x


comprobar("{name}", {name})
```
```{{solution-end}}
```
"""

LETTERS = "abcde"


def chapter_text(stem: str) -> str:
    """Un capítulo con todo lo que se le pide."""
    exercises = "\n".join(
        EXERCISE.format(stem=stem, number=number, name=f"f{letter}") for number, letter in enumerate(LETTERS, start=1)
    )
    return (
        f"{HEADER}\n({stem})=\n# Título\n\n:::{{ficha}}\n:requisitos: ninguno\n:::\n\n"
        f"## Al terminar sabrás\n\n- sumar\n\n{FIGURE.format(stem=stem)}\n"
        f'```{{code-cell}} python\n:tags: [remove-cell]\nglue("{stem}-n", "97.3 %")\n```\n\n'
        f"Llega al {{glue:text}}`{stem}-n`, más que el $95\\,\\%$.\n\n## Errores frecuentes\n\nNinguno.\n\n"
        f"## Ejercicios\n\n{exercises}\n## Resumen\n\nSe suma.\n\n## Para saber más\n\nNada.\n"
    )


def checker_text(stem: str) -> str:
    """Los comprobadores de un capítulo de muestra."""
    checks = "".join(
        f'\n\n@comprobar.exercise("f{letter}")\ndef _(answer):\n    return "Bien."\n' for letter in LETTERS
    )
    return f'from profundo.comun.ejercicios import Checker\n\ncomprobar = Checker("{stem}")\n{checks}'


def make_sample(root: Path) -> Project:
    """Escribe el libro de muestra en ``root``: dos partes de un capítulo y un módulo común."""
    files = {
        "_toc.yml": TOC,
        "book/index.md": "# Inicio\n\nUn libro.\n",
        "code/profundo/__init__.py": "",
        "code/profundo/comun/__init__.py": "",
        "code/profundo/comun/ayuda.py": "ANSWER = 42\n",
        "tests/comun/test_ayuda.py": "",
        "tests/dos/conftest.py": "",
    }
    for part, stem in (("uno", "alfa"), ("dos", "beta")):
        files |= {
            f"book/{part}/{stem}.md": chapter_text(stem),
            f"code/profundo/{part}/__init__.py": "",
            f"code/profundo/{part}/{stem}.py": (
                "from profundo.comun.ayuda import ANSWER\n\n\ndef teach():\n    return ANSWER\n"
            ),
            f"code/profundo/ejercicios/{part}/{stem}.py": checker_text(f"{part}/{stem}"),
            f"tests/{part}/test_{stem}.py": "",
        }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Project(root)
