"""Extensión de Sphinx: en el sitio, las animaciones no pesan en la página que las contiene.

``profundo.comun.animacion`` da cada animación en un solo trozo de HTML, como la quiere un cuaderno. Aquí la imagen fija
y los cambios entre fotogramas pasan a dos archivos: la imagen se carga como cualquier figura y los cambios, al usar los
mandos. Y el texto alternativo pasa a ser el de la figura, que dice más que el título.
"""

import base64
import hashlib
import html
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri

NAME = re.compile(r'data-animacion="([a-z0-9-]+)"')
STILL = re.compile(r'src="data:image/png;base64,([^"]+)" alt="([^"]*)"')
CHANGES = re.compile(r"<script>(\(window\.animaciones .*?)</script>\n", re.DOTALL)


def externalize(page: str, folder: Path, address: str, alt: str = "") -> str:
    """Escribe en ``folder`` los datos de una animación y devuelve su HTML, que los cita bajo ``address``.

    Args:
        page: el HTML de la animación.
        folder: dónde se escriben los archivos; su nombre resume su contenido.
        address: la dirección de ``folder`` desde la página.
        alt: el texto alternativo de la figura; si está vacío se conserva el que había.

    Raises:
        ValueError: si ``page`` no es como las escribe ``profundo.comun.animacion``.
    """
    name, still, changes = NAME.search(page), STILL.search(page), CHANGES.search(page)
    if not (name and still and changes):
        raise ValueError("no es el HTML de una animación: faltan el nombre, la imagen o los cambios")

    def write(data: bytes, suffix: str) -> str:
        file = f"animacion-{name[1]}-{hashlib.sha256(data).hexdigest()[:12]}{suffix}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
        return f"{address}/{file}"

    image, script = write(base64.b64decode(still[1]), ".png"), write(changes[1].encode(), ".js")
    text = html.escape(alt) or still[2]
    page = page.replace(changes[0], "", 1).replace(still[0], f'src="{image}" alt="{text}"', 1)
    return page.replace(name[0], f'{name[0]} data-cambios="{script}"', 1)


class ExternalAnimations(SphinxPostTransform):
    """Aplica ``externalize`` a las animaciones de una página del sitio."""

    default_priority = 3  # MyST-NB elige en 4 una versión de cada salida y olvida las demás, con su texto alternativo

    def run(self, **_: object) -> None:
        builder = self.app.builder
        if builder.name != "html":
            return
        address = relative_uri(builder.get_target_uri(self.env.docname), builder.imagedir)
        folder = Path(self.app.outdir, builder.imagedir)
        for bundle in self.document.findall(nodes.container):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            alt = next((image["alt"] for image in bundle.findall(nodes.image) if "alt" in image), "")
            for raw in list(bundle.findall(nodes.raw)):
                if NAME.search(raw.astext()):
                    page = externalize(raw.astext(), folder, address, alt)
                    raw.replace_self(nodes.raw("", page, format=raw["format"]))


def setup(app: Sphinx) -> dict:
    """Registra la transformación."""
    app.add_post_transform(ExternalAnimations)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
