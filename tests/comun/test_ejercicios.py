"""El comprobador de ejercicios: qué dice de cada respuesta y qué no debe pasar nunca."""

import re

import numpy as np
import pytest
import torch

from profundo.comun.ejercicios import (
    Checker,
    Unanswered,
    Verdict,
    WrongAnswer,
    as_array,
    as_list,
    as_numbers,
    call,
    fail,
    require,
    require_close,
    require_number,
    require_truths,
)


@pytest.fixture
def comprobar() -> Checker:
    checker = Checker("uno/alfa")

    @checker.exercise("doble")
    def _(answer: object) -> str:
        for x in (np.array([1.0, -2.0]), np.zeros(2)):
            require_close(call(answer, x), 2 * x, "Se esperaba el doble de cada número.")
        return "Es el doble."

    return checker


def test_right_answer_is_praised(comprobar: Checker) -> None:
    assert comprobar.check("doble", lambda x: 2 * x) == Verdict("correcta", "Es el doble.")


def test_tensors_and_lists_are_accepted(comprobar: Checker) -> None:
    assert comprobar.check("doble", lambda x: torch.from_numpy(2 * x).requires_grad_()).status == "correcta"
    assert comprobar.check("doble", lambda x: [2 * v for v in x]).status == "correcta"


@pytest.mark.parametrize("answer", [None, ...])
def test_nothing_is_pending(comprobar: Checker, answer: object) -> None:
    assert comprobar.check("doble", answer) == Verdict(
        "pendiente", "Sin resolver: escribe tu respuesta y vuelve a ejecutar la celda."
    )


def stub(x: object) -> None:
    """Lo que trae el cuaderno."""
    ...


def unwritten(x: object) -> None:
    raise NotImplementedError


def test_unwritten_functions_are_pending(comprobar: Checker) -> None:
    assert comprobar.check("doble", stub) == Verdict(
        "pendiente", "Sin resolver: `stub` no devuelve nada todavía. ¿Falta el `return`?"
    )
    assert comprobar.check("doble", unwritten) == Verdict(
        "pendiente", "Sin resolver: `unwritten` aún lanza NotImplementedError."
    )


def divides(x: object) -> float:
    return 1 / 0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: 3 * x, "Se esperaba el doble de cada número."),
        (3.5, "Se esperaba una función; llegó 3.5 (de tipo float). Pasa su nombre sin paréntesis."),
        (lambda: 1, "`<lambda>` lanzó TypeError: "),
        (divides, "`divides` lanzó ZeroDivisionError en la línea"),
        (lambda x: "dos", "Se esperaban números en la respuesta; llegó 'dos' (de tipo str)."),
        (lambda x: stub, "llegó la función `stub` sin llamar."),
        (lambda x: 2.0, "Se esperaba que la respuesta tuviera forma (2,); tiene () (un solo número)."),
        (lambda x: np.zeros((2, 1)), "Se esperaba que la respuesta tuviera forma (2,); tiene (2, 1)."),
        (lambda x: np.full(2, np.nan), "Hay valores que no son finitos (inf o nan) en la respuesta."),
        (lambda x: [[1], [1, 2]], "Se esperaban números en la respuesta; llegó [[1], [1, 2]] (de tipo list)."),
        (lambda x: exit(), "lanzó SystemExit"),
    ],
)
def test_each_mistake_has_its_message(comprobar: Checker, answer: object, message: str) -> None:
    verdict = comprobar.check("doble", answer)
    assert verdict.status == "incorrecta"
    assert message in verdict.message
    assert "Traceback" not in verdict.message


def test_the_line_is_the_one_in_the_answer(comprobar: Checker) -> None:
    line = divides.__code__.co_firstlineno + 1
    assert f"en la línea {line} de `divides`" in comprobar.check("doble", divides).message


def test_calling_prints_the_verdict(comprobar: Checker, capsys: pytest.CaptureFixture[str]) -> None:
    comprobar("doble", lambda x: 2 * x)
    comprobar("doble", lambda x: x)
    comprobar("doble", ...)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "✓ Es el doble."
    assert second == "✗ Se esperaba el doble de cada número."
    assert third.startswith("… Sin resolver")


def test_unknown_exercise_lists_the_known_ones(comprobar: Checker) -> None:
    assert comprobar.names == ("doble",)
    with pytest.raises(KeyError, match="uno/alfa no tiene un ejercicio 'triple'; tiene doble"):
        comprobar.check("triple", 1)


def test_two_checks_with_one_name_are_rejected(comprobar: Checker) -> None:
    with pytest.raises(ValueError, match="el ejercicio 'doble' ya tiene comprobador en uno/alfa"):
        comprobar.exercise("doble")(lambda answer: "")


def test_a_bug_in_a_checker_is_not_hidden() -> None:
    """Un fallo nuestro no se confunde con una respuesta incorrecta: lo encuentran las pruebas."""
    checker = Checker("uno/alfa")
    checker.exercise("f")(lambda answer: {}["no está"])
    with pytest.raises(KeyError):
        checker.check("f", 1)


def test_interruptions_pass_through(comprobar: Checker) -> None:
    def interrupted(x: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        comprobar.check("doble", interrupted)


# --- Ayudas ---------------------------------------------------------------------------------------------------------


def test_fail_and_require() -> None:
    with pytest.raises(WrongAnswer, match="no"):
        fail("no")
    with pytest.raises(WrongAnswer, match="no"):
        require(False, "no")
    require(True, "no")


def test_call_passes_arguments_and_gives_back_the_result() -> None:
    assert call(lambda a, b: (a, b), 1, "x") == (1, "x")
    assert call(int, "7") == 7
    assert call(lambda: 0) == 0
    with pytest.raises(Unanswered):
        call(lambda: None)


@pytest.mark.parametrize("value", [True, 3, 2.5, [1, 2], (1.0,), np.int8(4), torch.tensor([1, 2])])
def test_numbers_of_all_kinds_become_float64(value: object) -> None:
    array = as_array(value)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, np.asarray(value))


def test_a_single_number_can_be_asked_for() -> None:
    assert as_array(np.float32(2), shape=()) == 2
    with pytest.raises(
        WrongAnswer, match=r"Se esperaba que la pérdida tuviera forma \(\) \(un solo número\); tiene \(1,\)\."
    ):
        as_array([2.0], shape=(), what="la pérdida")


class Hostile:
    """Un objeto que falla hasta al mostrarse."""

    def __array__(self, *args: object, **kwargs: object) -> None:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("value", [1 + 2j, [1j], torch.zeros(2, dtype=torch.complex64)])
def test_complex_numbers_are_rejected(value: object) -> None:
    with pytest.raises(WrongAnswer, match="reales"):
        as_array(value)


def test_reduced_precision_tensors_are_numbers() -> None:
    assert as_array(torch.ones(2, dtype=torch.bfloat16)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("value", [torch.zeros(2, device="meta"), torch.eye(2).to_sparse(), Hostile(), 10**400])
def test_unreadable_values_are_rejected(value: object) -> None:
    with pytest.raises(WrongAnswer, match="Se esperaban números"):
        as_array(value)


@pytest.mark.parametrize("value", [{}, {"a": 1}, object(), b"x", {1}])
def test_things_that_are_not_numbers_are_rejected(value: object) -> None:
    with pytest.raises(WrongAnswer, match="Se esperaban números"):
        as_array(value)


def test_closeness_has_tolerance() -> None:
    require_close([1.0 + 1e-7], [1.0], "lejos")
    require_close(0.1 + 0.2, 0.3, "lejos")
    with pytest.raises(WrongAnswer, match="lejos"):
        require_close([1.01], [1.0], "lejos")
    require_close([1.01], [1.0], "lejos", atol=0.1)


def test_a_list_of_answers_is_complete_or_says_what_it_lacks() -> None:
    assert as_list((1, "b"), 2, "palabras") == [1, "b"]
    with pytest.raises(WrongAnswer, match="Se esperaba una lista de 2 palabras; llegó un valor de tipo int"):
        as_list(3, 2, "palabras")
    with pytest.raises(WrongAnswer, match="Se esperaba una lista de 2 palabras; tiene 3"):
        as_list([1, 2, 3], 2, "palabras")
    with pytest.raises(Unanswered, match="faltan las respuestas 1, 3"):
        as_list([None, 2, ...], 3, "palabras")


def test_a_list_of_numbers_is_complete_and_of_numbers() -> None:
    np.testing.assert_array_equal(as_numbers([1, 2.5], 2), [1.0, 2.5])
    with pytest.raises(WrongAnswer, match="Se esperaba una lista de 2 áreas; tiene 1"):
        as_numbers([1], 2, "áreas")
    with pytest.raises(WrongAnswer, match="la lista"):
        as_numbers([1, "dos"], 2)
    with pytest.raises(Unanswered, match="faltan las respuestas 2"):
        as_numbers([1, ...], 2)


def test_a_known_mistake_is_named_and_rounding_is_forgiven() -> None:
    wrong = ((5.0, "suma."), (4.0, "resta."))
    require_number(6.02, 6.0, "El producto", wrong, "Multiplica.")
    for value, message in (
        (5.005, "El producto suma."),
        (4.0, "El producto resta."),
        (7.12345, r"no es 7\.123\. Multi"),
    ):
        with pytest.raises(WrongAnswer, match=message):
            require_number(value, 6.0, "El producto", wrong, "Multiplica.")


def test_truths_are_booleans_and_each_has_its_hint() -> None:
    facts = ((True, "(1) sí"), (False, "(2) no"))
    require_truths([True, np.False_], facts)
    for answer, message in (([False, False], "(1) sí"), ([True, True], "(2) no"), ([1, "no"], "True o False")):
        with pytest.raises(WrongAnswer, match=re.escape(message)):
            require_truths(answer, facts)
    with pytest.raises(Unanswered, match="faltan las respuestas 2"):
        require_truths([True, None], facts)
