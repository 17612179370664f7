"""Faltas que se plantan en un libro de muestra, para ver que cada regla encuentra la suya."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from ejecucion import Project

Rule = Callable[[Project], list[str]]
Plant = Callable[[Path], None]  # recibe la raíz del libro de muestra y lo estropea


def write(path: str, text: str) -> Plant:
    """Escribe un archivo."""

    def apply(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")

    return apply


def remove(path: str) -> Plant:
    """Borra un archivo."""
    return lambda root: (root / path).unlink()


def edit(path: str, pattern: str, replacement: str) -> Plant:
    """Cambia lo primero que encaje con una expresión regular; si nada encaja, es un fallo."""

    def apply(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        changed = re.sub(pattern, lambda match: match.expand(replacement), text, count=1, flags=re.DOTALL)
        assert changed != text, f"la falta no se pudo plantar: {pattern!r} no está en {path}"
        (root / path).write_text(changed, encoding="utf-8")

    return apply


def swap(path: str, old: str, new: str) -> Plant:
    """Cambia un texto, al pie de la letra."""
    return edit(path, re.escape(old), new.replace("\\", r"\\"))


def found_by(rules: Mapping[str, Rule], project: Project) -> dict[str, list[str]]:
    """Las reglas que encuentran algo, con lo que encuentran."""
    return {name: problems for name, rule in rules.items() if (problems := rule(project))}


def rule_tests(
    rules: Mapping[str, Rule],
    faults: Mapping[str, tuple[str, str, Plant]],
    book: Project,
    also: Mapping[str, set[str]] | None = None,
) -> tuple[Callable, Callable, Callable, Callable]:
    """Cuatro pruebas para el módulo que las recibe en nombres que empiecen por ``test_``; usan su ``sample``.

    Args:
        rules: las reglas, por su nombre.
        faults: por falta, la regla que la ve, un trozo de lo que dice y cómo se planta.
        book: el libro que las cumple.
        also: por falta, otras reglas que la ven con razón.
    """

    @pytest.mark.parametrize("rule", rules.values(), ids=rules)
    def book_follows_the_rules(rule: Rule) -> None:
        problems = rule(book)
        if problems:
            pytest.fail("\n".join(problems), pytrace=False)

    def sample_has_no_faults(sample: Project) -> None:
        assert found_by(rules, sample) == {}

    @pytest.mark.parametrize("fault", faults)
    def planted_fault_is_found(sample: Project, fault: str) -> None:
        rule, message, plant = faults[fault]
        plant(sample.root)
        problems = found_by(rules, sample)
        assert message in "\n".join(problems.get(rule, [])), problems
        others = set(problems) - {rule} - (also or {}).get(fault, set())
        assert not others, f"otras reglas también se quejan: {problems}"

    def every_rule_has_a_planted_fault() -> None:
        assert set(rules) == {rule for rule, _, _ in faults.values()}

    return book_follows_the_rules, sample_has_no_faults, planted_fault_is_found, every_rule_has_a_planted_fault
