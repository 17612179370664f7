"""Un libro mínimo con todo lo que puede llevar un capítulo, para comprobar el PDF y el EPUB."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from juguete import HEADER, ROOT, write
from PIL import Image

TOC = """\
format: jb-book
root: index
parts:
  - caption: Antes de empezar
    chapters:
      - file: guia
  - caption: Primera parte
    numbered: true
    chapters:
      - file: uno/recta
      - file: uno/curva
  - caption: Segunda parte
    numbered: true
    chapters:
      - file: dos/red
"""

BIBLIOGRAPHY = """\
@article{rosenblatt1958,
  author = {Rosenblatt, Frank}, title = {The Perceptron}, journal = {Psychological Review}, volume = {65},
  pages = {386--408}, year = {1958}, doi = {10.1037/h0042519},
}
@book{goodfellow2016,
  author = {Goodfellow, Ian and Bengio, Yoshua and Courville, Aaron}, title = {Deep Learning},
  publisher = {MIT Press}, year = {2016}, url = {https://www.deeplearningbook.org},
}
"""

INDEX = """\
# Aprendizaje profundo

Un curso con **experimentos**. Empieza por {doc}`uno/recta`.

## Qué trae

- Texto y código.
- Ejercicios.

:::{container} solo-web
Esto se lee solo en la web.
:::
"""

GUIA = """\
# Cómo usar el libro

Sin números. La figura {numref}`fig-recta` está más adelante.

## Un apartado

Texto con «comillas», un guion — así — y puntos…
"""

RECTA = (
    HEADER
    + """\
(uno-recta)=
# La recta que separa

Texto con cita {cite:p}`rosenblatt1958`, la ecuación {eq}`ec-recta` y la figura {numref}`fig-recta`.
Letras griegas en el texto: α, β, Ω; y símbolos: ✓ ✗ → ≤ ‖x‖ ℝ ∈ ².

:::{ficha}
:requisitos: [La red](../dos/red.md)
:video: https://youtu.be/abc | Un canal, 1.1 Introducción | 17
:::

```{math}
:label: ec-recta
\\hat y = \\operatorname{signo}(\\mathbf{w}^\\top \\mathbf{x} + b), \\qquad \\boldsymbol{\\theta} \\in \\mathbb{R}^d
```

Sin número:

$$
\\mathbb{1}[a > 0] = \\begin{cases} 1 & \\text{si } a > 0 \\\\ 0 & \\text{si no} \\end{cases}
$$

```{literalinclude} ../../code/profundo/comun/semillas.py
:pyobject: seed_everything
```

```{code-cell} python
import numpy as np
import matplotlib.pyplot as plt
import pandas as pd
from profundo.comun.cuaderno import glue
print("✓ correcto, ✗ incorrecto, … pendiente, α ≤ β, ‖w‖ = 1, 2² → 4, é ñ ¿? «»")
```

```{code-cell} python
---
mystnb:
  figure:
    name: fig-recta
    caption: Una recta $x^2$ y su pendiente.
  image:
    alt: Una recta que sube de izquierda a derecha.
---
fig, ax = plt.subplots(figsize=(5, 3))
ax.plot([1, 2])
plt.show()
```

```{code-cell} python
:tags: [remove-cell]
glue("recta-n", "97.3 %")
print("CELDA-RETIRADA")
```

Se logra {glue:text}`recta-n`.

```{code-cell} python
:tags: [hide-input]
secreto = 7  # ENTRADA-PLEGADA
print("salida a la vista")
```

```{code-cell} python
frase = "LÍNEA"  # FIN-DEL-RENGLÓN
print(frase.replace(" ", "_") + "FIN-DE-LA-SALIDA")
```

```{code-cell} python
pd.DataFrame({"especie": ["Adelia", "Papúa"], "masa (g)": [3700, 5076]})
```

:::{prf:theorem} Convergencia
:label: teo-recta
Si hay un margen $\\gamma > 0$, termina.
:::

:::{prf:proof}
Se acota $\\|\\mathbf{w}\\|$ por arriba y por abajo.

Y se comparan las dos cotas.
:::

:::{warning}
Cuidado con `NaN`.
:::

## Ejercicios

```{exercise-start} La regla $x^2$
:label: ej-recta
```
Escribe la regla. Compara con {ref}`ej-red`, que está en otro capítulo, y con {ref}`uno-recta`.

:::{hint}
Suma.
:::
```{exercise-end}
```

```{code-cell} python
def mi_regla(x):
    ...  # tu código
```

```{solution-start} ej-recta
:class: dropdown
```
Se suma una vez.

```{code-cell} python
def regla(x):
    return x


print("✓ Correcto")
```
```{solution-end}
```

## Para saber más

```{bibliography}
:filter: docname in docnames
```
"""
).replace("LÍNEA", "palabra " * 18)

CURVA = (
    HEADER
    + """\
# La curva

Según {cite:t}`goodfellow2016`, sigue de {eq}`ec-recta`, de {prf:ref}`teo-recta` y de {ref}`ej-recta`. Una nota[^nota].

[^nota]: Al pie de la página.

| Método | Error (%) | Nota |
|:--|--:|:-:|
| Recta | 12.5 | ✓ |
| Curva | 3.25 | ✗ |

La {numref}`tab-metodos` resume.

```{table} Los métodos
:name: tab-metodos
| Método | Error |
|---|---|
| `recta` | 12 |
```

```{math}
:label: ec-curva
\\begin{aligned} f(x) &= x^2 \\\\ f'(x) &= 2x \\end{aligned}
```

Un muestrario:

$$
\\begin{gathered}
\\tfrac12 \\dfrac{a}{b} \\binom{n}{k} \\sqrt[3]{x} \\sum_{i=1}^{n} \\prod_{t} \\int_0^1 \\lim_{h \\to 0}
\\max_{x \\in \\mathcal{D}} \\\\
\\lVert \\mathbf{w} \\rVert_2^2 \\quad \\lvert x \\rvert \\quad \\lfloor x \\rfloor \\quad \\left( \\frac{a}{b}
\\right)^{\\!2} \\quad
\\underbrace{a + b}_{\\text{suma}} \\quad \\overline{x} \\quad \\tilde{x} \\quad \\hat{\\mathbf{y}} \\quad
\\vec{v} \\\\
\\begin{pmatrix} 1 & 0 \\\\ 0 & 1 \\end{pmatrix} \\begin{bmatrix} a \\\\ b \\end{bmatrix} \\quad
\\mathrm{d}x \\quad \\mathcal{L} \\quad \\mathbb{E}[X \\mid Y] \\quad \\operatorname*{arg\\,max}_\\theta \\quad
\\nabla_{\\boldsymbol{\\theta}} J \\quad
\\partial f / \\partial x \\quad \\odot \\ast \\otimes \\sim \\propto \\approx \\ll \\Rightarrow \\iff \\mapsto
\\cdots \\ddots \\stackrel{?}{=}
\\end{gathered}
$$

```{math}
\\begin{align}
a &= b \\\\
c &= d
\\end{align}
```

Término
: Definición del **término** (*term*).

```{code-cell} python
print("\\n".join(f"renglón {i}" for i in range(90)))
```

Un enlace: <https://www.example.org/> y [otro](https://www.example.org/a_b?x=1&y=2#ancla).

```{admonition} Un recuadro con título
:class: tip
Texto del recuadro.
```

## Para saber más

```{bibliography}
:filter: docname in docnames
```
"""
)

RED = (
    HEADER
    + """\
# La red

Vuelve a {cite:p}`rosenblatt1958` y a la {numref}`fig-red`, {eq}`ec-recta` y {eq}`ec-red`.

$$
E = \\tfrac12 \\sum_i (y_i - \\hat y_i)^2
$$ (ec-red)

```{code-cell} python
---
mystnb:
  figure:
    name: fig-red
    caption: Se mueve en la web y está quieta aquí.
  image:
    alt: Un cuadro que cambia de color.
---
import base64, io
from PIL import Image
from IPython.display import publish_display_data

frames = [Image.new("RGB", (120, 80), c) for c in ("#0072B2", "#D55E00")]
gif, png = io.BytesIO(), io.BytesIO()
frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:], duration=500, loop=0)
frames[0].save(png, "PNG")
publish_display_data({
    "image/gif": base64.b64encode(gif.getvalue()).decode(),
    "image/png": base64.b64encode(png.getvalue()).decode(),
})
```

## Ejercicios

```{exercise} Otra regla
:label: ej-red
Escribe otra, como en {ref}`ej-recta` y {numref}`ej-recta`.
```

```{solution} ej-red
:class: dropdown
Igual que antes.
```

## Para saber más

```{bibliography}
:filter: docname in docnames
```
"""
)

PAGES = {"index": INDEX, "guia": GUIA, "uno/recta": RECTA, "uno/curva": CURVA, "dos/red": RED}


def make_minimal_book(root: Path, pages: dict[str, str] | None = None) -> Path:
    """Escribe el libro mínimo en ``root`` con la configuración, las extensiones y el paquete del proyecto."""
    write(root / "_toc.yml", TOC)
    write(root / "book" / "referencias.bib", BIBLIOGRAPHY)
    for document, text in (PAGES | (pages or {})).items():
        write(root / "book" / f"{document}.md", text)
    for name in ("_config.yml", "requirements.txt"):
        shutil.copy2(ROOT / name, root / name)
    for folder in ("book/_ext", "code/profundo"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    return root


def make_one_page_book(root: Path, prose: str, *, executed: bool = False) -> Path:
    """Un libro con una sola página, para plantar un fallo y ver qué se dice de él."""
    make_minimal_book(root, {"pagina": (HEADER if executed else "") + f"# Una página\n\n{prose}\n"})
    write(
        root / "_toc.yml",
        "format: jb-book\nroot: index\nparts:\n  - caption: Parte\n    chapters:\n      - file: pagina\n",
    )
    write(root / "book" / "index.md", "# Inicio\n\nUn libro.\n")
    Image.new("RGB", (8, 8)).save(root / "book" / "punto.png")
    return root


def build(root: Path, *formats: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Construye formatos del libro de ``root`` con la misma orden que usa el proyecto."""
    command = [sys.executable, "book/_ext/construir.py", *formats]
    env = os.environ | environment
    return subprocess.run(command, cwd=root, env=env, text=True, capture_output=True, check=False)
