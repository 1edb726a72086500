# --- a set
names = set([user.name for user in users])  # MS102
# +++ fixed, safe
names = {user.name for user in users}  # MS102
# --- a dict of pairs
by_id = dict([(user.id, user) for user in users])  # MS102
# +++ fixed, safe
by_id = {user.id: user for user in users}  # MS102
# --- over several lines
by_id = dict([  # MS102
    (user.id, user)
    for user in users
])
# --- a dict of what is not written as a pair
by_id = dict([pair(user) for user in users])  # MS102
# --- a comment would be lost
names = set(  # MS102
    # only the names
    [user.name for user in users]
)
# --- in an f-string the braces would mean another thing
text = f"{set([user.name for user in users])}"  # MS102
# --- a tuple in a set
pairs = set([(a, b) for a, b in rows if a])  # MS102
# +++ fixed, safe
pairs = {(a, b) for a, b in rows if a}  # MS102
# --- keywords beside it
by_id = dict([(user.id, user) for user in users], root=None)
# --- it awaits
async def names(users):
    return set([await user.name() for user in users])
# --- the name is another
from immutables import Map as dict

by_id = dict([(user.id, user) for user in users])
# --- a short literal
flags = set([name.upper() for name in ("a", "b")])
# --- already a generator
names = set(user.name for user in users)
by_id = dict((user.id, user) for user in users)
# --- a literal list
names = set([first, second])
