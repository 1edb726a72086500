# --- a hash
import hashlib

with open(path, "rb") as file:
    digest = hashlib.sha256(file.read()).hexdigest()  # MS106
# --- of an older Python
# target: 3.9
import hashlib

digest = hashlib.md5(open(path, "rb").read())  # MS106
# --- a checksum
import zlib

sum = zlib.crc32(open(path, "rb").read())  # MS106
# --- a copy
def copy(source, target):
    with open(source, "rb") as file, open(target, "wb") as out:
        out.write(file.read())  # MS106
# --- a file that was assigned
def copy(source, out):
    file = open(source, "rb")
    out.write(file.read())  # MS106
    file.close()
# --- bounded
import hashlib

with open(path, "rb") as file:
    digest = hashlib.sha256(file.read(100))
# --- what it reads from is not known
import hashlib

digest = hashlib.sha256(request.read())
# --- parsed, which needs the text
import ast

tree = ast.parse(open(path).read())
# --- kept
with open(path) as file:
    text = file.read()
# --- written changed
with open(path) as file, open(other, "w") as out:
    out.write(file.read().upper())
# --- a name that is a file only sometimes
def copy(source, out):
    file = source
    if isinstance(source, str):
        file = open(source)
    out.write(file.read())
