# --- sent piece by piece
def send_all(socket, text):
    data = text.encode()
    while data:
        sent = socket.send(data)
        data = data[sent:]  # MS209
# --- read in parts
def records(file):
    data = file.read_bytes()
    while data:
        yield data[:64]
        data = data[64:]  # MS209
# --- a buffer that fills
def lines(socket):
    buffer = b""
    while True:
        buffer += socket.recv(4096)
        while b"\n" in buffer:
            end = buffer.index(b"\n")
            yield buffer[:end]
            buffer = buffer[end + 1 :]  # MS209
# --- a for loop
import os

def parts(sizes):
    data = os.urandom(1 << 20)
    for size in sizes:
        yield data[:size]
        data = data[size:]  # MS209
# --- bytes made there
def parts(numbers):
    data = bytes(numbers)
    while data:
        show(data[0])
        data = data[1:]  # MS209
# --- a memoryview
def send_all(socket, text):
    data = memoryview(text.encode())
    while data:
        data = data[socket.send(data) :]
# --- once
def body(text):
    data = text.encode()
    data = data[4:]
    return data
# --- a list of arguments
def parse(args):
    while args:
        show(args[0])
        args = args[1:]
# --- cut at the end
def strip(text):
    data = text.encode()
    while data:
        data = data[:-1]
# --- a bytearray
def parts(text):
    data = bytearray(text.encode())
    while data:
        data = data[64:]
# --- another name
def parts(text):
    data = text.encode()
    for size in range(100):
        rest = data[size:]
        show(rest)
