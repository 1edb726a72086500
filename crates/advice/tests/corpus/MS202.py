# --- a list of documents
import json

rows = [json.loads(line) for line in lines]  # MS202
# --- appended
from json import loads

def read(file):
    rows = []
    for line in file:
        rows.append(loads(line))  # MS202
    return rows
# --- in a dict
import json

def read(paths):
    found = {}
    for path in paths:
        found[path] = json.loads(path.read_text())  # MS202
    return found
# --- under a name first
import json

def read(file):
    rows = []
    for line in file:
        row = json.loads(line)  # MS202
        if row["price"]:
            rows.append(row)
    return rows
# --- in pairs
import json

rows = {name: json.loads(text) for name, text in texts}  # MS202
# --- one document
import json

rows = json.loads(text)
# --- gone through
import json

for line in lines:
    row = json.loads(line)
    total += row["price"]
# --- a hook
import json

rows = [json.loads(line, object_pairs_hook=shared) for line in lines]
# --- only a part is kept
import json

prices = [json.loads(line)["price"] for line in lines]
# --- a generator
import json

rows = (json.loads(line) for line in lines)
# --- another json
from simplejson import loads

rows = [loads(line) for line in lines]
# --- few
import json

rows = [json.loads(text) for text in ("{}", "[]")]
