# --- in a loop
for name, size in db.execute("select name, size from files").fetchall():  # MS107
    print(name, size)
# +++ fixed, unsafe
for name, size in db.execute("select name, size from files"):  # MS107
    print(name, size)
# --- of a cursor
def names(cursor):
    cursor.execute("select name from files")
    return {row[0] for row in cursor.fetchall()}  # MS107
# +++ fixed, unsafe
def names(cursor):
    cursor.execute("select name from files")
    return {row[0] for row in cursor}  # MS107
# --- in a variable
def show(cursor):
    cursor.execute("select name from files")
    rows = cursor.fetchall()  # MS107
    for row in rows:
        print(row)
# +++ fixed, unsafe
def show(cursor):
    cursor.execute("select name from files")
    rows = cursor  # MS107
    for row in rows:
        print(row)
# --- an attribute
def total(self):
    self.cursor.execute("select size from files")
    return sum(row[0] for row in self.cursor.fetchall())  # MS107
# +++ fixed, unsafe
def total(self):
    self.cursor.execute("select size from files")
    return sum(row[0] for row in self.cursor)  # MS107
# --- summed
total = sum(size for (size,) in cursor.fetchall())  # MS107
# +++ fixed, unsafe
total = sum(size for (size,) in cursor)  # MS107
# --- the loop uses the cursor
for row in cursor.fetchall():
    cursor.execute("delete from files where id = ?", row)
# --- the loop uses another cursor of the same connection
for row in cursor.fetchall():
    other.execute("delete from files where id = ?", row)
# --- the loop commits
for row in cursor.fetchall():
    handle(row)
    db.commit()
# --- the connection is closed in between
def show(db, cursor):
    rows = cursor.fetchall()
    db.close()
    for row in rows:
        print(row)
# --- counted as well
def show(cursor):
    rows = cursor.fetchall()
    print(len(rows))
    for row in rows:
        print(row)
# --- awaited
async def show(cursor):
    for row in await cursor.fetchall():
        print(row)
# --- returned
def rows(cursor):
    return cursor.fetchall()
# --- a method of self may use it
def show(self):
    for row in self.cursor.fetchall():
        self.show_one(row)
