"""MathML Core, que es lo que entienden los navegadores, en MathML 3, que es lo que pide EPUB 3.

En MathML 3 ``displaystyle`` y ``scriptlevel`` no valen en cualquier elemento: los lleva un ``mstyle`` que lo envuelve.
"""

import re
import xml.etree.ElementTree as ET

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
ALLOWED = {
    "displaystyle": {"math", "mstyle", "mtable"},
    "scriptlevel": {"mstyle"},
}


def to_mathml3(page: str) -> str:
    """La página con todas sus fórmulas en MathML 3."""
    return FORMULA.sub(lambda match: _convert(match[0]), page)


def _convert(formula: str) -> str:
    if "displaystyle" not in formula and "scriptlevel" not in formula:
        return formula
    ET.register_namespace("", NAMESPACE)
    root = ET.fromstring(formula)
    _wrap_children(root)
    return ET.tostring(root, encoding="unicode")


def _wrap_children(parent: ET.Element) -> None:
    for index, child in enumerate(list(parent)):
        _wrap_children(child)
        tag = child.tag.rpartition("}")[2]
        misplaced = [name for name, tags in ALLOWED.items() if name in child.attrib and tag not in tags]
        moved = {name: child.attrib.pop(name) for name in misplaced}
        if moved:
            style = ET.Element(f"{{{NAMESPACE}}}mstyle", moved)
            style.tail, child.tail = child.tail, None
            style.append(child)
            parent[index] = style
