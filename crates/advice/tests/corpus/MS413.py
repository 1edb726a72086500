# --- a number
import warnings

def read(rows):
    for number, row in enumerate(rows):
        if not row:
            warnings.warn(f"row {number} has no price")  # MS413
# --- a path
from warnings import warn

def load(path):
    warn("cannot read %s" % path, RuntimeWarning)  # MS413
# --- a value
import warnings

def check(value):
    warnings.warn("odd value: {!r}".format(value), UserWarning, stacklevel=2)  # MS413
# --- an error
import warnings

def check(x):
    try:
        run(x)
    except ValueError as e:
        warnings.warn("not run: " + str(e))  # MS413
# --- by keyword
import warnings

def check(user):
    warnings.warn(message=f"no such user: {user.login}", category=UserWarning)  # MS413
# --- the same words
import warnings

def check(value):
    warnings.warn("the value is odd")
# --- deprecated
import warnings

def old(value):
    warnings.warn(f"{value} is deprecated", DeprecationWarning)
    warnings.warn(f"{value} is deprecated", category=RemovedIn6Warning)
# --- names of classes
import warnings

def check(thing):
    warnings.warn(f"{type(thing).__name__} has no table in {thing.__module__}")
# --- at import
import warnings

warnings.warn(f"no {LIBRARY}")
# --- logged
import logging

def check(value):
    logging.warning(f"odd value {value}")
# --- another warn
def check(log, value):
    log.warn(f"odd value {value}")
