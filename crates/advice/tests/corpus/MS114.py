# --- json
import json

file.write(json.dumps(records))  # MS114
# --- with keywords
import json

file.write(json.dumps(records, indent=2))  # MS114
# --- pickle
import pickle

file.write(pickle.dumps(tree))  # MS114
# --- imported by name
from json import dumps

with open(path, "w") as file:
    file.write(dumps(records))  # MS114
# --- an attribute
import json

def save(self):
    self.file.write(json.dumps(self.records))  # MS114
# --- with an end
import json

file.write(json.dumps(record) + "\n")
# --- encoded
import json

file.write(json.dumps(record).encode())
# --- returned
import json

def body(record):
    return json.dumps(record)
# --- another dumps
file.write(dumps(record))
# --- sent
import json

socket.send(json.dumps(record))
