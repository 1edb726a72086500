"""Classes made for each call, by `create_model`: let go, and in cycles, so that only a collection frees them."""

import gc

from pydantic import create_model
from ready import wait

gc.collect()
gc.disable()  # a service between two full collections, which come ever more seldom


def parse(number: int) -> int:
    model = create_model(f"DynamicModel{number}", x=(int, ...), y=(str, "y"))
    return model(x=number).x


for number in range(150):
    parse(number)
wait()
print(gc.collect())
