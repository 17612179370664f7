"""Las pruebas de los ejercicios de cualquier capítulo: qué respuestas pasan y qué mensaje recibe cada error."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from profundo.comun.ejercicios import Checker

MIN_MESSAGES = 2  # errores distintos por ejercicio, como poco


def exercise_tests(
    comprobar: Checker, right: Mapping[str, Sequence[object]], wrong: Mapping[str, Sequence[tuple[object, str]]]
) -> tuple[Callable, Callable, Callable]:
    """Tres pruebas para el módulo que las recibe en nombres que empiecen por ``test_``.

    Args:
        comprobar: los ejercicios del capítulo.
        right: por ejercicio, respuestas que deben pasar.
        wrong: por ejercicio, respuestas con un error y un trozo del mensaje que debe recibir cada una.
    """

    @pytest.mark.parametrize(("name", "answer"), [(n, a) for n, answers in right.items() for a in answers])
    def right_answers_pass(name: str, answer: object) -> None:
        verdict = comprobar.check(name, answer)
        assert verdict.status == "correcta", verdict.message

    @pytest.mark.parametrize(("name", "answer", "message"), [(n, a, m) for n, pairs in wrong.items() for a, m in pairs])
    def each_mistake_gets_its_message(name: str, answer: object, message: str) -> None:
        verdict = comprobar.check(name, answer)
        assert verdict.status == "incorrecta", verdict
        assert message in verdict.message

    def every_exercise_has_right_and_wrong_answers() -> None:
        assert set(right) == set(wrong) == set(comprobar.names)
        assert all(right.values())
        assert all(len({message for _, message in pairs}) >= MIN_MESSAGES for pairs in wrong.values())

    return right_answers_pass, each_mistake_gets_its_message, every_exercise_has_right_and_wrong_answers
