"""Messages validated by pydantic: nested models, unions, validators, schemas compiled in Rust."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Optional, Union

from pydantic import BaseModel, TypeAdapter, ValidationError, field_validator
from telling import Truth, digest


class Position(BaseModel):
    article: str
    pieces: int
    price: float

    @field_validator("pieces")
    @classmethod
    def positive(cls, value: int) -> int:
        if value < 1:
            raise ValueError("pieces must be positive")
        return value


class Order(BaseModel):
    kind: Literal["order"] = "order"
    number: int
    at: datetime
    positions: list[Position]
    note: Optional[str] = None


class Cancellation(BaseModel):
    kind: Literal["cancellation"] = "cancellation"
    number: int


ADAPTER = TypeAdapter(list[Union[Order, Cancellation]])


def message(number: int) -> dict[str, object]:
    if number % 10 == 0:
        return {"kind": "cancellation", "number": number}
    positions = [{"article": f"article {item}", "pieces": item + 1, "price": item / 7} for item in range(5)]
    return {"kind": "order", "number": number, "at": "2026-11-01T10:00:00", "positions": positions}


MESSAGES = ADAPTER.validate_python([message(number) for number in range(8000)])


def work() -> object:
    errors = []
    for number in range(50):
        try:
            Position.model_validate({"article": "x", "pieces": -number, "price": "?"})
        except ValidationError as error:
            errors.append(error.error_count())
    again = ADAPTER.validate_json(ADAPTER.dump_json(MESSAGES[:500]))
    return digest(errors, [made.number for made in again], sum(len(made.model_dump_json()) for made in MESSAGES[:200]))


truth = Truth("pydantic", "pydantic-core")
truth.instances(Order, Position, Cancellation)
truth.hand_over(work)
