# --- nothing is found there
for line in log:  # memsight: ignore[MS105] the file is small # MS001
    print(line)
# +++ fixed, safe
for line in log: # MS001
    print(line)
# --- alone on the line above
import os

# memsight: ignore[whole-lines] # MS001
print(os.name)
# +++ fixed, safe
import os

# MS001
print(os.name)
# --- one of two rules is of use
with open(name) as log:
    for line in log.readlines():  # memsight: ignore[MS105, MS101] small # MS001
        print(line)
# +++ fixed, safe
with open(name) as log:
    for line in log.readlines():  # memsight: ignore[MS105] small # MS001
        print(line)
# --- there is no such rule
with open(name) as log:
    for line in log.readlines():  # memsight: ignore[MS105, MS999] # MS001
        print(line)
# +++ fixed, safe
with open(name) as log:
    for line in log.readlines():  # memsight: ignore[MS105] # MS001
        print(line)
# --- for the whole file
# memsight: ignore-file[MS107] # MS001
print(1)
# +++ fixed, safe
# MS001
print(1)
# --- without rules
print(1)  # memsight: ignore # MS001
# +++ fixed, safe
print(1) # MS001
# --- beside others
print(1)  # noqa: T201  # memsight: ignore[MS101] # MS001
# +++ fixed, safe
print(1)  # noqa: T201 # MS001
# --- it keeps one back
with open(name) as log:
    for line in log.readlines():  # memsight: ignore[MS105] small
        print(line)
# --- it keeps one back by name, from the line above
with open(name) as log:
    # memsight: ignore[whole-lines] small
    for line in log.readlines():
        print(line)
# --- it keeps one back beside other comments
with open(name) as log:
    for line in log.readlines():  # noqa: FURB129  # memsight: ignore[MS105] see #12
        print(line)
# --- a rule that only a heap tells
class Point:  # memsight: ignore[MS301] few
    pass
# --- in a text
print("# memsight: ignore[MS105]")
# --- of the whole file
# memsight: ignore-file[MS105] all of them are small
with open(name) as log:
    for line in log.readlines():
        print(line)
# --- it names itself
print(1)  # memsight: ignore[MS001]
