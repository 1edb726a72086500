"""Runs a program inside a backend of PostgreSQL, as the body of a function in PL/Python.

    postgres.py ROOT PROGRAM

makes a database in a temporary folder and becomes `postgres --single`, whose input is the SQL that defines the function
and calls it. The handshake goes through two descriptors beside those of the database.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

# A line is a statement to `postgres --single`.
SQL = """create extension plpython3u
create function real_program() returns text language plpython3u as $$ import runpy; runpy.run_path("{path}", run_name="__main__"); return "done" $$
select real_program()
"""


def main() -> None:
    root, program = Path(sys.argv[1]), sys.argv[2]
    folder = tempfile.mkdtemp(prefix="memsight-real-")
    if os.geteuid() == 0:  # PostgreSQL refuses root
        os.chown(folder, 65534, 65534)
        os.setgid(65534)
        os.setuid(65534)
    bin_ = root / "usr/lib/postgresql/15/bin"
    environment = {**os.environ, "LC_ALL": "C", "HOME": folder, "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu"}
    data = f"{folder}/data"
    command = [bin_ / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    read, write = os.dup(0), os.dup(1)
    os.set_inheritable(read, True)
    os.set_inheritable(write, True)
    sql = os.open(f"{folder}/program.sql", os.O_RDWR | os.O_CREAT)
    os.write(sql, SQL.format(path=program).encode())
    os.lseek(sql, 0, os.SEEK_SET)
    os.dup2(sql, 0)
    os.dup2(2, 1)
    environment["MEMSIGHT_REAL_STREAMS"] = f"{read} {write}"
    os.execve(bin_ / "postgres", [str(bin_ / "postgres"), "--single", "-D", data, "postgres"], environment)


main()
