"""Puts memsight in psutil's place, in this process and in all that it starts: `PYTHONPATH` leads here."""

import sys

import memsight

sys.modules["psutil"] = memsight
