"""Animaciones que se pausan y se recorren a mano: una figura de matplotlib, unos mandos y nada de terceros.

``animate`` dibuja los fotogramas y devuelve un objeto con dos versiones de lo mismo: HTML para el sitio y el cuaderno,
con un botón y un deslizador, y un PNG con el último fotograma para el PDF, el EPUB y quien no ejecute guiones. Empieza
en pausa: nada se mueve hasta que alguien lo pide, y con ``prefers-reduced-motion`` avanza a saltos.

Pesa poco porque solo la última imagen va entera. De cada una de las demás se guarda lo que la distingue de la
siguiente: para ver el fotograma k se parte de la última y se deshacen cambios hasta llegar a él. El resultado es
siempre el mismo, byte a byte, así que nbval puede compararlo. En el cuaderno todo va dentro de la salida; el sitio
lleva la imagen y los cambios a archivos aparte (``book/_ext/animaciones.py``), que se piden al usar los mandos.
"""

import base64
import html
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from scipy.spatial import KDTree

MAX_BYTES = 500_000
COLORS = 255  # el índice que sobra en una paleta de 256 marca lo transparente
CSS_DPI = 96  # una pulgada de la figura mide lo que una pulgada de la página
REDUCED_MOTION_MS = 700

TEMPLATE = """\
<div class="animacion" data-animacion="{name}"><!-- estilo, imagen, mandos y datos -->
<style>
.animacion img, .animacion canvas {{ display: block; max-width: 100%; height: auto; margin: 0 auto; background: #fff; }}
.animacion canvas {{ border-radius: .4rem; }}
.animacion .mandos {{ display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .75rem; margin: .5rem auto;
  max-width: {width}px; }}
.animacion .mandos[hidden] {{ display: none; }}
.animacion button {{ min-width: 7rem; min-height: 2.75rem; padding: 0 .8rem; border: 1px solid currentColor;
  border-radius: .4rem; background: none; color: inherit; font: inherit; cursor: pointer; }}
.animacion input {{ flex: 1 1 9rem; min-width: 0; min-height: 2.75rem; margin: 0; cursor: pointer; }}
.animacion output {{ min-width: {digits}ch; font-variant-numeric: tabular-nums; }}
</style>
<img src="data:image/png;base64,{still}" alt="{title}" width="{width}" height="{height}">
<div class="mandos" role="group" aria-label="Mandos de la animación" hidden>
<button type="button">Reproducir</button>
<input type="range" min="0" max="{last}" value="{last}" aria-label="Fotograma">
<output aria-live="off"></output>
</div>
<script>(window.animaciones ??= {{}})["{name}"] = {patches};</script>
<script>
(() => {{
  const labels = {labels};
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const find = (box) => new Promise((resolve, reject) => {{
    const found = () => resolve(window.animaciones["{name}"]);
    if (window.animaciones?.["{name}"]) return found();
    const script = document.createElement("script");
    [script.src, script.onload, script.onerror] = [box.dataset.cambios, found, reject];
    document.head.append(script);
  }});
  const decode = async (address) => {{
    const image = new Image();
    image.src = address;
    await image.decode();
    return image;
  }};
  const prepare = (box) => {{
    const [still, controls] = [box.querySelector("img"), box.querySelector(".mandos")];
    const [play, slider, output] = controls.children;
    const load = async () => {{
      const patches = await find(box);
      const sources = [still.src, ...patches.map((patch) => "data:image/png;base64," + patch[2])];
      const [last, ...changes] = await Promise.all(sources.map(decode));
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height, canvas.style.width] = [last.naturalWidth, last.naturalHeight, "{width}px"];
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", still.alt);
      still.replaceWith(canvas);
      const pen = canvas.getContext("2d");
      return (k) => {{
        pen.drawImage(last, 0, 0);
        for (let i = changes.length - 1; i >= k; i--) pen.drawImage(changes[i], patches[i][0], patches[i][1]);
      }};
    }};
    let [ready, timer] = [null, 0];
    const pause = () => {{
      clearInterval(timer);
      timer = 0;
      play.textContent = "Reproducir";
    }};
    const label = (k) => {{
      slider.value = k;
      output.textContent = labels[k];
      slider.setAttribute("aria-valuetext", labels[k]);
    }};
    const show = async (k) => {{
      label(k);
      try {{
        const draw = await (ready ??= load());
        draw(+slider.value);
      }} catch {{
        ready = null;
        pause();
        output.textContent = "no se pudo cargar";
      }}
    }};
    const advance = () => {{
      show(+slider.value + 1);
      if (slider.value === slider.max) pause();
    }};
    play.addEventListener("click", async () => {{
      if (timer) return pause();
      timer = -1;
      play.textContent = "Pausa";
      await show(slider.value === slider.max ? 0 : +slider.value);
      if (timer === -1) timer = setInterval(advance, calm.matches ? {slow} : {period});
    }});
    slider.addEventListener("input", () => {{ pause(); show(+slider.value); }});
    label({last});
    controls.hidden = false;
  }};
  for (const box of document.querySelectorAll('[data-animacion="{name}"]:not([data-lista])')) {{
    box.dataset.lista = "";
    prepare(box);
  }}
}})();
</script>
</div>"""


@dataclass(frozen=True)
class Animation:
    """Una animación lista para mostrar: basta con que sea el valor de la última línea de una celda.

    Attributes:
        title: qué es, en pocas palabras.
        html: la versión que se mueve; no depende de ningún otro archivo.
        still: el último fotograma, en PNG.
        frames: cuántos fotogramas tiene.
    """

    title: str
    html: str
    still: bytes
    frames: int

    def __repr__(self) -> str:
        return f"<Animación: {self.title} ({self.frames} fotogramas)>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {
            "text/html": self.html,
            "image/png": base64.b64encode(self.still).decode(),
            "text/plain": repr(self),
        }


def animate(
    figure: Figure,
    update: Callable[[int], Iterable[Artist]],
    frames: int,
    *,
    name: str,
    title: str,
    labels: Sequence[str] | None = None,
    fps: float = 12,
) -> Animation:
    """Dibuja ``frames`` fotogramas de una figura y la cierra.

    Args:
        figure: la figura, con los ejes, los límites y las leyendas ya puestos.
        update: recibe el número de fotograma, desde 0, cambia lo que haya que cambiar y devuelve siempre los mismos
            objetos de matplotlib: los que se mueven. Lo demás se dibuja una sola vez, debajo.
        frames: cuántos fotogramas, al menos 2.
        name: identificador, único en la página: letras minúsculas, cifras y guiones.
        title: qué es, en pocas palabras; lo oye quien no ve la imagen.
        labels: un rótulo por fotograma, como «paso 10»; sin él, «1 de 50».
        fps: fotogramas por segundo.

    Raises:
        TypeError: si ``update`` no devuelve objetos de matplotlib.
        ValueError: si un argumento no es como se espera o el resultado pesa más de ``MAX_BYTES``.
    """
    if frames < 2:
        raise ValueError(f"frames debe ser al menos 2; se recibió {frames}")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(f"name debe tener letras minúsculas, cifras y guiones, y empezar por letra; es {name!r}")
    if not title.strip():
        raise ValueError("title está vacío; di en pocas palabras qué muestra la animación")
    if not 0 < fps <= 60:
        raise ValueError(f"fps debe ser mayor que 0 y como mucho 60; se recibió {fps}")
    labels = [f"{k + 1} de {frames}" for k in range(frames)] if labels is None else list(labels)
    if len(labels) != frames:
        raise ValueError(f"labels debe tener {frames} elementos, uno por fotograma; tiene {len(labels)}")
    images, palette = _share_palette(_draw(figure, update, frames))
    dpi = figure.dpi
    plt.close(figure)

    still = _png(images[-1], palette, dpi=(dpi, dpi))
    patches = [_patch(old, new, palette) for old, new in pairwise(images)]
    height, width = images[0].shape
    page = TEMPLATE.format(
        name=name,
        title=html.escape(title),
        still=base64.b64encode(still).decode(),
        width=round(width * CSS_DPI / dpi),
        height=round(height * CSS_DPI / dpi),
        last=frames - 1,
        digits=max(map(len, labels)) + 1,
        patches=_script(patches),
        labels=_script(labels),
        period=round(1000 / fps),
        slow=max(REDUCED_MOTION_MS, round(1000 / fps)),
    )
    if len(page.encode()) > MAX_BYTES:
        size = len(page.encode()) / 1000
        raise ValueError(f"la animación pesa {size:.0f} kB, más de {MAX_BYTES / 1000:.0f}; usa menos fotogramas")
    return Animation(title, page, still, frames)


def _draw(figure: Figure, update: Callable[[int], Iterable[Artist]], frames: int) -> list[np.ndarray]:
    """Los fotogramas, ``(alto, ancho, 3)``: el fondo se dibuja una vez y encima, en cada uno, lo que se mueve."""
    canvas = FigureCanvasAgg(figure)
    moving = _artists(update(0))
    for artist in moving:
        artist.set_animated(True)
    canvas.draw()
    figure.set_layout_engine("none")  # los ejes ya no se mueven de su sitio
    background = canvas.copy_from_bbox(figure.bbox)
    images = []
    for k in range(frames):
        if _artists(update(k)) != moving:
            raise ValueError(f"update debe devolver siempre los mismos objetos; cambiaron en el fotograma {k}")
        canvas.restore_region(background)
        for artist in moving:
            figure.draw_artist(artist)
        images.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    return images


def _artists(returned: object) -> list[Artist]:
    found = list(returned) if isinstance(returned, Iterable) else []
    if not found or not all(isinstance(artist, Artist) for artist in found):
        raise TypeError("update debe devolver una lista con los objetos de matplotlib que se mueven")
    return sorted(found, key=lambda artist: artist.get_zorder())


def _share_palette(images: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Los fotogramas como índices de una misma paleta, para que lo que no cambia sea idéntico, y esa paleta.

    La forman los colores más frecuentes; cada uno de los demás toma el más parecido.
    """
    packed = [image.astype(np.int64) @ (1 << 16, 1 << 8, 1) for image in images]
    counts = np.bincount(np.concatenate([packed[len(images) // 2].ravel(), packed[-1].ravel()]), minlength=1 << 24)
    present = np.flatnonzero(counts)
    frequent = present[np.argsort(-counts[present], kind="stable")[:COLORS]]
    seen = np.zeros(1 << 24, dtype=bool)
    for image in packed:
        seen[image] = True
    colors = np.flatnonzero(seen)
    nearest = np.zeros(1 << 24, dtype=np.uint8)
    nearest[colors] = KDTree(_unpack(frequent)).query(_unpack(colors))[1]
    return [nearest[image] for image in packed], _unpack(frequent).astype(np.uint8)


def _unpack(colors: np.ndarray) -> np.ndarray:
    return np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=-1)


def _patch(old: np.ndarray, new: np.ndarray, palette: np.ndarray) -> tuple[int, int, str]:
    """Lo que hay que pintar sobre el fotograma ``new`` para volver a ``old``: posición y PNG con transparencia."""
    changed = old != new
    changed[0, 0] |= not changed.any()  # ningún parche puede quedar vacío
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    # Solo los colores que usa el parche, con el transparente en el índice 0.
    used, indices = np.unique(old[box][changed[box]], return_inverse=True)
    pixels = np.zeros(changed[box].shape, dtype=np.uint8)
    pixels[changed[box]] = indices + 1
    png = _png(pixels, np.concatenate([[[0, 0, 0]], palette[used]]), transparency=0)
    return int(columns[0]), int(rows[0]), base64.b64encode(png).decode()


def _png(pixels: np.ndarray, palette: np.ndarray, **options: Any) -> bytes:
    image = Image.fromarray(pixels)
    image.putpalette(palette.ravel().tolist())
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True, **options)
    return stream.getvalue()


def _script(value: object) -> str:
    """JSON que puede ir dentro de un guion: sin nada que el navegador lea como una etiqueta."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
