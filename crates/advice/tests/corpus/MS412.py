# --- a number in the name
import logging

class Session:
    def __init__(self, id):
        self.log = logging.getLogger(f"app.session.{id}")  # MS412
# --- put together
from logging import getLogger

def handle(request):
    getLogger("request." + request.id).info("start")  # MS412
# --- by format
import logging

def handle(request):
    log = logging.getLogger("request.{}".format(request.id))  # MS412
    log.info("start")
# --- by percent
import logging

def handle(request):
    log = logging.getLogger("%s.%d" % (__name__, request.number))  # MS412
    log.info("start")
# --- a child
class Connection:
    def __init__(self, logger, peer):
        self.log = logger.getChild(f"peer-{peer}")  # MS412
# --- with the name of a class and more
import logging

class Worker:
    def __init__(self, number):
        self.log = logging.getLogger(f"{self.__class__.__name__}.{number}")  # MS412
# --- the module
import logging

log = logging.getLogger(__name__)

def f():
    return logging.getLogger("app.f")
# --- the class
import logging

class Worker:
    def __init__(self):
        self.log = logging.getLogger(f"{__name__}.{self.__class__.__name__}")
        self.more = logging.getLogger(__name__ + "." + type(self).__qualname__)
# --- a name that is given
import logging

def make(name):
    return logging.getLogger(name)
# --- at import
import logging

log = logging.getLogger(f"app.{VERSION}")
# --- children of a tree
class Node:
    def first(self, index):
        return self.tree.getChild(f"n{index}")
# --- a constant
import logging

def f():
    return logging.getLogger("app." + "f")
# --- a function of module names
import logging

def log_of(module_name):
    return logging.getLogger(f"app.{module_name}")
# --- a function that gives loggers
import logging

def getLogger(name):
    return logging.getLogger("app." + name)
