# --- counted with a condition
late = len([order for order in orders if order.is_late()])  # MS110
# +++ fixed, safe
late = sum(1 for order in orders if order.is_late())  # MS110
# --- nothing is called for an item
rows = len([row.a + row.b for row in table])  # MS110
# +++ fixed, safe
rows = sum(1 for row in table)  # MS110
# --- making an item does something
done = len([send(x) for x in xs])  # MS110
# --- a comma behind
done = len([x for x in xs if x],)  # MS110
# --- two loops
cells = len([cell for row in table for cell in row])  # MS110
# +++ fixed, safe
cells = sum(1 for row in table for cell in row)  # MS110
# --- sum is another here
def count(sum, xs):
    return len([x for x in xs if x]) + sum  # MS110
# --- a parenthesised element
late = len([(a, b) for a, b in pairs if a < b])  # MS110
# +++ fixed, safe
late = sum(1 for a, b in pairs if a < b)  # MS110
# --- the list is used
found = [x for x in xs if x]
print(len(found))
# --- it awaits
async def count(xs):
    return len([x async for x in xs])
# --- len is another
def count(len, xs):
    return len([x for x in xs])
# --- few items
count = len([name for name in ("a", "b") if name in known])
# --- next may stop it
count = len([next(it) for _ in range(100)])
# --- a literal
count = len([a, b, c])
