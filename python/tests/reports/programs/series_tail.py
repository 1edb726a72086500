"""The last row of a Series of objects keeps all rows."""

import pandas as pd
from ready import wait


class Test:
    def __init__(self, number: int) -> None:
        self.text = f"row {number}"


a = pd.Series([Test(number) for number in range(60_000)])
a = a[-1:]
wait()
