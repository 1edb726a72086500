# --- a key is set
import copy

def run(defaults, depth):
    options = copy.deepcopy(defaults)  # MS204
    options["depth"] = depth
    start(options["depth"])
# --- imported by name
from copy import deepcopy

def run(defaults, names):
    options = deepcopy(defaults)  # MS204
    for name in names:
        options[name] = True
    print(len(options))
# --- updated
import copy

def run(defaults, more):
    options = copy.deepcopy(defaults)  # MS204
    options.update(more)
    print(options["depth"])
# --- added to
import copy

def run(defaults):
    options = copy.deepcopy(defaults)  # MS204
    options["depth"] += 1
    print(options["depth"])
# --- appended to
import copy

def run(names):
    all_names = copy.deepcopy(names)  # MS204
    all_names.append("x")
    print(len(all_names), all_names[0])
# --- something inside is changed
import copy

def run(defaults):
    options = copy.deepcopy(defaults)
    options["names"].append("x")
    options["depth"] = 1
    print(options["depth"])
# --- it is returned
import copy

def run(defaults):
    options = copy.deepcopy(defaults)
    options["depth"] = 1
    return options
# --- passed on
import copy

def run(defaults):
    options = copy.deepcopy(defaults)
    options["depth"] = 1
    start(options)
# --- a part gets a name
import copy

def run(defaults):
    options = copy.deepcopy(defaults)
    options["depth"] = 1
    names = options["names"]
    names.append("x")
# --- nothing is set
import copy

def run(defaults):
    options = copy.deepcopy(defaults)
    print(options["depth"])
# --- shallow already
import copy

def run(defaults):
    options = copy.copy(defaults)
    options["depth"] = 1
    print(options["depth"])
