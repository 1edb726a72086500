# --- thirty of them, in a list
class Row:  # MS303
    def __init__(self, cells):
        self.c0 = cells[0]
        self.c1 = cells[1]
        self.c2 = cells[2]
        self.c3 = cells[3]
        self.c4 = cells[4]
        self.c5 = cells[5]
        self.c6 = cells[6]
        self.c7 = cells[7]
        self.c8 = cells[8]
        self.c9 = cells[9]
        self.c10 = cells[10]
        self.c11 = cells[11]
        self.c12 = cells[12]
        self.c13 = cells[13]
        self.c14 = cells[14]
        self.c15 = cells[15]
        self.c16 = cells[16]
        self.c17 = cells[17]
        self.c18 = cells[18]
        self.c19 = cells[19]
        self.c20 = cells[20]
        self.c21 = cells[21]
        self.c22 = cells[22]
        self.c23 = cells[23]
        self.c24 = cells[24]
        self.c25 = cells[25]
        self.c26 = cells[26]
        self.c27 = cells[27]
        self.c28 = cells[28]
        self.c29 = cells[29]

rows = [Row(line.split()) for line in lines]
# --- appended
class Row:  # MS303
    def __init__(self, cells):
        self.c0 = cells[0]
        self.c1 = cells[1]
        self.c2 = cells[2]
        self.c3 = cells[3]
        self.c4 = cells[4]
        self.c5 = cells[5]
        self.c6 = cells[6]
        self.c7 = cells[7]
        self.c8 = cells[8]
        self.c9 = cells[9]
        self.c10 = cells[10]
        self.c11 = cells[11]
        self.c12 = cells[12]
        self.c13 = cells[13]
        self.c14 = cells[14]
        self.c15 = cells[15]
        self.c16 = cells[16]
        self.c17 = cells[17]
        self.c18 = cells[18]
        self.c19 = cells[19]
        self.c20 = cells[20]
        self.c21 = cells[21]
        self.c22 = cells[22]
        self.c23 = cells[23]
        self.c24 = cells[24]
        self.c25 = cells[25]
        self.c26 = cells[26]
        self.c27 = cells[27]
        self.c28 = cells[28]
        self.c29 = cells[29]
        self.c30 = cells[30]

def read(lines):
    rows = []
    for line in lines:
        rows.append(Row(line.split()))
    return rows
# --- in a dict
class Row:  # MS303
    def __init__(self, cells):
        self.c0 = cells[0]
        self.c1 = cells[1]
        self.c2 = cells[2]
        self.c3 = cells[3]
        self.c4 = cells[4]
        self.c5 = cells[5]
        self.c6 = cells[6]
        self.c7 = cells[7]
        self.c8 = cells[8]
        self.c9 = cells[9]
        self.c10 = cells[10]
        self.c11 = cells[11]
        self.c12 = cells[12]
        self.c13 = cells[13]
        self.c14 = cells[14]
        self.c15 = cells[15]
        self.c16 = cells[16]
        self.c17 = cells[17]
        self.c18 = cells[18]
        self.c19 = cells[19]
        self.c20 = cells[20]
        self.c21 = cells[21]
        self.c22 = cells[22]
        self.c23 = cells[23]
        self.c24 = cells[24]
        self.c25 = cells[25]
        self.c26 = cells[26]
        self.c27 = cells[27]
        self.c28 = cells[28]
        self.c29 = cells[29]
        self.c30 = cells[30]
        self.c31 = cells[31]
        self.c32 = cells[32]
        self.c33 = cells[33]
        self.c34 = cells[34]
        self.c35 = cells[35]
        self.c36 = cells[36]
        self.c37 = cells[37]
        self.c38 = cells[38]
        self.c39 = cells[39]

table = {line[0]: Row(line.split()) for line in lines}
# --- a data class
from dataclasses import dataclass

@dataclass
class Row:  # MS303
    c0: int
    c1: int
    c2: int
    c3: int
    c4: int
    c5: int
    c6: int
    c7: int
    c8: int
    c9: int
    c10: int
    c11: int
    c12: int
    c13: int
    c14: int
    c15: int
    c16: int
    c17: int
    c18: int
    c19: int
    c20: int
    c21: int
    c22: int
    c23: int
    c24: int
    c25: int
    c26: int
    c27: int
    c28: int
    c29: int
    c30: int
    c31: int

rows = [Row(*line.split()) for line in lines]
# --- over several methods
class Row:  # MS303
    def __init__(self, cells):
        self.c0 = cells[0]
        self.c1 = cells[1]
        self.c2 = cells[2]
        self.c3 = cells[3]
        self.c4 = cells[4]
        self.c5 = cells[5]
        self.c6 = cells[6]
        self.c7 = cells[7]
        self.c8 = cells[8]
        self.c9 = cells[9]
        self.c10 = cells[10]
        self.c11 = cells[11]
        self.c12 = cells[12]
        self.c13 = cells[13]
        self.c14 = cells[14]
        self.c15 = cells[15]
        self.c16 = cells[16]
        self.c17 = cells[17]
        self.c18 = cells[18]
        self.c19 = cells[19]

    def more(self, cells):
        self.d0 = cells[0]
        self.d1 = cells[1]
        self.d2 = cells[2]
        self.d3 = cells[3]
        self.d4 = cells[4]
        self.d5 = cells[5]
        self.d6 = cells[6]
        self.d7 = cells[7]
        self.d8 = cells[8]
        self.d9 = cells[9]

rows = {Row(line.split()) for line in lines}
# --- one more fits from 3.14 on
# target: 3.14
class Row:  # MS303
    def __init__(self, cells):
        self.c0 = cells[0]
        self.c1 = cells[1]
        self.c2 = cells[2]
        self.c3 = cells[3]
        self.c4 = cells[4]
        self.c5 = cells[5]
        self.c6 = cells[6]
        self.c7 = cells[7]
        self.c8 = cells[8]
        self.c9 = cells[9]
        self.c10 = cells[10]
        self.c11 = cells[11]
        self.c12 = cells[12]
        self.c13 = cells[13]
        self.c14 = cells[14]
        self.c15 = cells[15]
        self.c16 = cells[16]
        self.c17 = cells[17]
        self.c18 = cells[18]
        self.c19 = cells[19]
        self.c20 = cells[20]
        self.c21 = cells[21]
        self.c22 = cells[22]
        self.c23 = cells[23]
        self.c24 = cells[24]
        self.c25 = cells[25]
        self.c26 = cells[26]
        self.c27 = cells[27]
        self.c28 = cells[28]
        self.c29 = cells[29]
        self.c30 = cells[30]

rows = [Row(line.split()) for line in lines]
# --- twenty-nine fit
class Row:
    def __init__(self, cells):
        self.c0 = cells[0]
        self.c1 = cells[1]
        self.c2 = cells[2]
        self.c3 = cells[3]
        self.c4 = cells[4]
        self.c5 = cells[5]
        self.c6 = cells[6]
        self.c7 = cells[7]
        self.c8 = cells[8]
        self.c9 = cells[9]
        self.c10 = cells[10]
        self.c11 = cells[11]
        self.c12 = cells[12]
        self.c13 = cells[13]
        self.c14 = cells[14]
        self.c15 = cells[15]
        self.c16 = cells[16]
        self.c17 = cells[17]
        self.c18 = cells[18]
        self.c19 = cells[19]
        self.c20 = cells[20]
        self.c21 = cells[21]
        self.c22 = cells[22]
        self.c23 = cells[23]
        self.c24 = cells[24]
        self.c25 = cells[25]
        self.c26 = cells[26]
        self.c27 = cells[27]
        self.c28 = cells[28]

rows = [Row(line.split()) for line in lines]
# --- thirty fit in 3.14
# target: 3.14
class Row:
    def __init__(self, cells):
        self.c0 = cells[0]
        self.c1 = cells[1]
        self.c2 = cells[2]
        self.c3 = cells[3]
        self.c4 = cells[4]
        self.c5 = cells[5]
        self.c6 = cells[6]
        self.c7 = cells[7]
        self.c8 = cells[8]
        self.c9 = cells[9]
        self.c10 = cells[10]
        self.c11 = cells[11]
        self.c12 = cells[12]
        self.c13 = cells[13]
        self.c14 = cells[14]
        self.c15 = cells[15]
        self.c16 = cells[16]
        self.c17 = cells[17]
        self.c18 = cells[18]
        self.c19 = cells[19]
        self.c20 = cells[20]
        self.c21 = cells[21]
        self.c22 = cells[22]
        self.c23 = cells[23]
        self.c24 = cells[24]
        self.c25 = cells[25]
        self.c26 = cells[26]
        self.c27 = cells[27]
        self.c28 = cells[28]
        self.c29 = cells[29]

rows = [Row(line.split()) for line in lines]
# --- slots
class Row:
    __slots__ = NAMES

    def __init__(self, cells):
        self.c0 = cells[0]
        self.c1 = cells[1]
        self.c2 = cells[2]
        self.c3 = cells[3]
        self.c4 = cells[4]
        self.c5 = cells[5]
        self.c6 = cells[6]
        self.c7 = cells[7]
        self.c8 = cells[8]
        self.c9 = cells[9]
        self.c10 = cells[10]
        self.c11 = cells[11]
        self.c12 = cells[12]
        self.c13 = cells[13]
        self.c14 = cells[14]
        self.c15 = cells[15]
        self.c16 = cells[16]
        self.c17 = cells[17]
        self.c18 = cells[18]
        self.c19 = cells[19]
        self.c20 = cells[20]
        self.c21 = cells[21]
        self.c22 = cells[22]
        self.c23 = cells[23]
        self.c24 = cells[24]
        self.c25 = cells[25]
        self.c26 = cells[26]
        self.c27 = cells[27]
        self.c28 = cells[28]
        self.c29 = cells[29]

rows = [Row(line.split()) for line in lines]
# --- the same attribute again and again
class Row:
    def __init__(self, cells):
        self.cell = cells[0]
        self.cell = cells[1]
        self.cell = cells[2]
        self.cell = cells[3]
        self.cell = cells[4]
        self.cell = cells[5]
        self.cell = cells[6]
        self.cell = cells[7]
        self.cell = cells[8]
        self.cell = cells[9]
        self.cell = cells[10]
        self.cell = cells[11]
        self.cell = cells[12]
        self.cell = cells[13]
        self.cell = cells[14]
        self.cell = cells[15]
        self.cell = cells[16]
        self.cell = cells[17]
        self.cell = cells[18]
        self.cell = cells[19]
        self.cell = cells[20]
        self.cell = cells[21]
        self.cell = cells[22]
        self.cell = cells[23]
        self.cell = cells[24]
        self.cell = cells[25]
        self.cell = cells[26]
        self.cell = cells[27]
        self.cell = cells[28]
        self.cell = cells[29]
        self.cell = cells[30]

rows = [Row(line.split()) for line in lines]
# --- attributes of another object
class Row:
    def fill(self, other, cells):
        other.c0 = cells[0]
        other.c1 = cells[1]
        other.c2 = cells[2]
        other.c3 = cells[3]
        other.c4 = cells[4]
        other.c5 = cells[5]
        other.c6 = cells[6]
        other.c7 = cells[7]
        other.c8 = cells[8]
        other.c9 = cells[9]
        other.c10 = cells[10]
        other.c11 = cells[11]
        other.c12 = cells[12]
        other.c13 = cells[13]
        other.c14 = cells[14]
        other.c15 = cells[15]
        other.c16 = cells[16]
        other.c17 = cells[17]
        other.c18 = cells[18]
        other.c19 = cells[19]
        other.c20 = cells[20]
        other.c21 = cells[21]
        other.c22 = cells[22]
        other.c23 = cells[23]
        other.c24 = cells[24]
        other.c25 = cells[25]
        other.c26 = cells[26]
        other.c27 = cells[27]
        other.c28 = cells[28]
        other.c29 = cells[29]
        other.c30 = cells[30]

rows = [Row() for line in lines]
# --- attributes of several classes
class Row0:
    def __init__(self, cells):
        self.c00 = cells[0]
        self.c01 = cells[1]
        self.c02 = cells[2]
        self.c03 = cells[3]
        self.c04 = cells[4]
        self.c05 = cells[5]
        self.c06 = cells[6]
        self.c07 = cells[7]
        self.c08 = cells[8]
        self.c09 = cells[9]
        self.c010 = cells[10]
        self.c011 = cells[11]
        self.c012 = cells[12]
        self.c013 = cells[13]
        self.c014 = cells[14]
        self.c015 = cells[15]
class Row1:
    def __init__(self, cells):
        self.c10 = cells[0]
        self.c11 = cells[1]
        self.c12 = cells[2]
        self.c13 = cells[3]
        self.c14 = cells[4]
        self.c15 = cells[5]
        self.c16 = cells[6]
        self.c17 = cells[7]
        self.c18 = cells[8]
        self.c19 = cells[9]
        self.c110 = cells[10]
        self.c111 = cells[11]
        self.c112 = cells[12]
        self.c113 = cells[13]
        self.c114 = cells[14]
        self.c115 = cells[15]
