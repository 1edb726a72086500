"""Classes made for single answers, by pydantic's `create_model`: in cycles through its Rust structs when let go."""

from pydantic import BaseModel, create_model
from telling import Truth, digest


class Answer(BaseModel):
    number: int
    words: list[str]


ANSWERS = [Answer(number=number, words=[f"word {number} {word}" for word in range(20)]) for number in range(6000)]
KEPT = [create_model(f"Kept{number}", __base__=Answer, extra=(int, number)) for number in range(30)]


def work() -> object:
    made = [create_model(f"Once{number}", x=(int, ...))(x=number).model_dump() for number in range(20)]
    kept = [model(number=1, words=[]).model_dump_json() for model in KEPT]
    return digest(made, kept, sum(len(answer.words) for answer in ANSWERS))


truth = Truth("pydantic", "pydantic-core")
truth.instances(Answer, type(Answer))
truth.hand_over(work)
