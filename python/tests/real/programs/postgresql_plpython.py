"""A function in PL/Python: plans and rows of the database, and state in the session's dictionary."""

import plpy
from telling import Truth, digest


class Rule:
    def __init__(self, number: int) -> None:
        self.number = number
        self.text = f"rule {number} " * 10


RULES = {number: Rule(number) for number in range(20_000)}
plpy.execute(
    "create table sale as select g as number, 'city ' || g % 97 as city, g * 1.5 as price from generate_series(1, 20000) g"
)
PLAN = plpy.prepare("select city, sum(price) as total from sale where number > $1 group by 1 order by 1", ["integer"])
ROWS = [plpy.execute(PLAN, [number * 100]) for number in range(50)]


def work() -> object:
    found = plpy.execute(PLAN, [15_000])
    try:
        plpy.execute("select 1 / 0")
    except plpy.SPIError as error:
        failure = type(error).__name__
    return digest([row["city"] for row in found], failure, sum(len(rows) for rows in ROWS), len(RULES))


truth = Truth()
truth.instances(Rule)
truth.objects("PLyPlan", lambda: 1)
truth.objects("PLyResult", lambda: len(ROWS))
truth.hand_over(work)
