"""El último paso del PDF y del EPUB: de lo que escribió Sphinx a un solo archivo, que aparece entero o no aparece.

No basta con que TeX termine: una referencia sin resolver, una letra que falta o un renglón que se sale del papel son
también fallos, y se dicen con el capítulo donde están.
"""

import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from urllib.parse import unquote, urldefrag

APT = (
    "sudo apt-get install --no-install-recommends latexmk texlive-xetex texlive-latex-extra texlive-fonts-recommended "
    "texlive-lang-spanish fonts-freefont-otf xindy"
)
TOOLS: dict[str, tuple[str, ...]] = {"pdf": ("xelatex", "latexmk", "xindy"), "epub": ()}
LATEXMK = ("latexmk", "-r", "latexmkrc", "-xelatex", "-interaction=nonstopmode", "-halt-on-error", "-file-line-error")
OFF_THE_PAGE_PT = 60.0  # el margen derecho mide 72 pt: lo que se sale más que esto no se lee

CONTAINER = "META-INF/container.xml"
OPF = "{http://www.idpf.org/2007/opf}"
PAGE = re.compile(r"^%% página (.+)$", re.MULTILINE)
TEX_ERROR = re.compile(r"^(?:[^\n:]+\.tex:(?P<line>\d+): |[^\n:]+\.\w+:\d+: |! )", re.MULTILINE)
MISSING_CHARACTER = re.compile(r"^Missing character: There is no (\S+) .*?in font (\S+?)[!:/]", re.MULTILINE)
UNDEFINED = re.compile(r"^.* Warning: (?:Hyper reference|Reference|Citation) `([^']+)'.*undefined", re.M)
OVERFULL = re.compile(r"^Overfull \\hbox \(([\d.]+)pt too wide\).*?lines? (\d+)", re.MULTILINE)


class PrintError(Exception):
    """El PDF o el EPUB no se pudo hacer; el mensaje dice por qué."""


class MissingTool(PrintError):
    """Falta un programa; el mensaje dice cuál y cómo se instala."""


def require_tools(fmt: str) -> None:
    """Comprueba que estén los programas que pide un formato (``"pdf"`` o ``"epub"``).

    Raises:
        MissingTool: si falta alguno.
    """
    missing = [tool for tool in TOOLS[fmt] if shutil.which(tool) is None]
    if missing:
        verb = "faltan" if len(missing) > 1 else "falta"
        raise MissingTool(f"Para el {fmt.upper()} {verb} {', '.join(missing)}. En Debian y Ubuntu: {APT}")


# --- PDF ------------------------------------------------------------------------------------------------------------


def make_pdf(sources: Path, out: Path) -> None:
    """Compila con XeLaTeX lo que Sphinx dejó en ``sources`` y deja el PDF en ``out``.

    Raises:
        MissingTool: si falta un programa.
        PrintError: si TeX falla o si el PDF saldría con referencias, letras o renglones perdidos.
    """
    require_tools("pdf")
    out.parent.mkdir(parents=True, exist_ok=True)
    tex = sources / f"{out.stem}.tex"
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".trabajo-") as folder:
        work = Path(folder, "tex")
        shutil.copytree(sources, work)
        environment = os.environ | {
            "LATEXOPTS": "",
            "XINDYOPTS": "-L spanish-modern -C utf8 -M sphinx.xdy",
            "max_print_line": "10000",  # sin esto TeX parte sus avisos en renglones de 79 letras
        }
        done = subprocess.run(
            [*LATEXMK, tex.name],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        log_path = work / f"{out.stem}.log"
        log = log_path.read_text(encoding="utf-8", errors="replace") if log_path.exists() else done.stdout
        source = tex.read_text(encoding="utf-8")
        if done.returncode:
            raise PrintError(explain_failure(log, source) or f"latexmk falló:\n{tail(done.stdout + done.stderr)}")
        problems = log_problems(log, source)
        if problems:
            raise PrintError("El PDF no está bien:\n" + "\n".join(f"- {problem}" for problem in problems))
        os.replace(work / f"{out.stem}.pdf", out)


def tail(text: str, lines: int = 15) -> str:
    """Los últimos renglones que dicen algo."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def page_at(source: str, position: int) -> str:
    """La página del libro a la que pertenece una posición del .tex."""
    names = [match[1] for match in PAGE.finditer(source, 0, position)]
    return names[-1] if names else "la portada"


def page_at_line(source: str, line: int) -> str:
    """Lo mismo, con el número de renglón."""
    return page_at(source, len("\n".join(source.split("\n")[:line])))


def explain_failure(log: str, source: str) -> str:
    """El error de TeX con su contexto y la página del libro donde está; vacío si no se encuentra en el registro."""
    match = TEX_ERROR.search(log)
    if not match:
        return ""
    context = "\n".join(log[match.start() :].split("Here is how much")[0].splitlines()[:12]).strip()
    where = f" en {page_at_line(source, int(match['line']))}" if match["line"] else ""
    hint = f"\nSi falta un archivo de TeX: {APT}" if "not found" in context else ""
    return f"TeX falló{where}:\n{context}{hint}"


def log_problems(log: str, source: str) -> list[str]:
    """Lo que TeX solo avisa y en un libro es un fallo, cada cosa con la página donde está."""
    problems = [f"referencia sin resolver: {label}" for label in sorted(set(UNDEFINED.findall(log)))]
    for character, font in sorted(set(MISSING_CHARACTER.findall(log))):
        where = page_at(source, max(source.find(character), 0))
        problems.append(f"la letra {font} no tiene {character!r} (U+{ord(character[0]):04X}), en {where}")
    for excess, line in OVERFULL.findall(log):
        if float(excess) > OFF_THE_PAGE_PT:
            problems.append(f"algo se sale del papel ({float(excess):.0f} pt), en {page_at_line(source, int(line))}")
    return problems


# --- EPUB -----------------------------------------------------------------------------------------------------------


def make_epub(sources: Path, out: Path) -> None:
    """Reúne en ``out`` los archivos que Sphinx dejó en ``sources``, tras comprobar su XML y sus enlaces internos.

    Raises:
        PrintError: si un archivo no es XML válido o si un enlace interno no lleva a ninguna parte.
    """
    package = read_xml(sources / "content.opf")
    names = [unquote(item.attrib["href"]) for item in package.iter(f"{OPF}item")]
    problems = broken_links(sources, [name for name in names if name.endswith(".xhtml")])
    if problems:
        raise PrintError("El EPUB no está bien:\n" + "\n".join(f"- {problem}" for problem in problems))
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".parcial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zip_entry("mimetype"), "application/epub+zip", zipfile.ZIP_STORED)
            for name in (CONTAINER, "content.opf", *names):
                archive.writestr(zip_entry(name), (sources / name).read_bytes(), zipfile.ZIP_DEFLATED)
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)


def zip_entry(name: str) -> zipfile.ZipInfo:
    """Una entrada sin fecha, para que el mismo libro dé siempre el mismo archivo."""
    return zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))


def read_xml(path: Path) -> ET.Element:
    """La raíz de un archivo XML.

    Raises:
        PrintError: si no lo es; el mensaje dice el archivo, el renglón y la columna.
    """
    try:
        return ET.parse(path).getroot()
    except ET.ParseError as error:
        raise PrintError(f"{path.name} no es XML válido: {error}") from None


def broken_links(folder: Path, pages: list[str]) -> list[str]:
    """Los enlaces internos de unas páginas que apuntan a un archivo o a un destino que no existe."""
    targets: dict[str, set[str]] = {}
    links: list[tuple[str, str]] = []
    for page in pages:
        root = read_xml(folder / page)
        targets[page] = {node.attrib["id"] for node in root.iter() if "id" in node.attrib}
        for node in root.iter():
            links += [(page, node.attrib[key]) for key in ("href", "src") if key in node.attrib]
    problems = []
    for page, link in links:
        if re.match(r"[a-z]+:", link):
            continue
        name, fragment = urldefrag(unquote(link))
        target = os.path.normpath(Path(page).parent / name) if name else page
        if target in targets:
            if fragment and fragment not in targets[target]:
                problems.append(f"{page}: el enlace {link!r} no tiene destino")
        elif not (folder / target).is_file():
            problems.append(f"{page}: el enlace {link!r} apunta a un archivo que no existe")
    return problems
