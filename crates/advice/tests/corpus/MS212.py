# --- concat
import pandas as pd

def read(paths):
    table = pd.DataFrame()
    for path in paths:
        table = pd.concat([table, pd.read_csv(path)])  # MS212
    return table
# --- with options
from pandas import concat

def read(paths, table):
    for path in paths:
        table = concat((table, load(path)), ignore_index=True)  # MS212
    return table
# --- numpy.append
import numpy as np

def read(lines):
    numbers = np.array([])
    for line in lines:
        numbers = np.append(numbers, float(line))  # MS212
    return numbers
# --- stacked
import numpy as np

def read(lines, rows):
    while lines:
        rows = np.vstack([rows, lines.pop()])  # MS212
    return rows
# --- an attribute
import pandas as pd

class Log:
    def add_all(self, frames):
        for frame in frames:
            self.table = pd.concat([self.table, frame])  # MS212
# --- once
import pandas as pd

def read(paths):
    return pd.concat([pd.read_csv(path) for path in paths])
# --- something else in each round
import pandas as pd

def read(pairs):
    for left, right in pairs:
        both = pd.concat([left, right])
        show(both)
# --- a list's append
def read(lines):
    numbers = []
    for line in lines:
        numbers.append(float(line))
    return numbers
# --- begun anew
import numpy as np

def read(rows):
    for row in rows:
        line = np.array(row)
        line = np.append(line, 1.0)
        show(line)
# --- few
import numpy as np

def read(row):
    for number in (1.0, 2.0):
        row = np.append(row, number)
    return row
# --- another concat
from tools import concat

def read(paths, table):
    for path in paths:
        table = concat([table, load(path)])
    return table
# --- begun anew for each outer round
import numpy as np

def curves(codes, points):
    for code in codes:
        curve = next(points)
        for _ in range(code):
            curve = np.append(curve, next(points))
        yield curve
# --- begun anew by the outer loop
import numpy as np

def curves(pairs, points):
    for curve, code in pairs:
        for _ in range(code):
            curve = np.append(curve, next(points))
        yield curve
