# --- of a parameter
def heaviest(parcels):
    weights = [parcel.weight for parcel in parcels]  # MS117
    return max(weights)
# +++ fixed, unsafe
def heaviest(parcels):
    weights = (parcel.weight for parcel in parcels)  # MS117
    return max(weights)
# --- gone through in a loop
def show(parcels):
    names = [node.name for node in parcels]  # MS117
    for name in names:
        print(name)
# +++ fixed, unsafe
def show(parcels):
    names = (node.name for node in parcels)  # MS117
    for name in names:
        print(name)
# --- of what a call gives
def total(tree):
    sizes = [leaf.size for leaf in walk(tree)]  # MS117
    return sum(sizes)
# +++ fixed, unsafe
def total(tree):
    sizes = (leaf.size for leaf in walk(tree))  # MS117
    return sum(sizes)
# --- a map in a list
def total(values):
    numbers = list(map(int, values))  # MS117
    return max(numbers)
# +++ fixed, unsafe
def total(values):
    numbers = map(int, values)  # MS117
    return max(numbers)
# --- a filter
def known(parcels):
    found = [node for node in parcels if node.name]  # MS117
    return {node.name: node.id for node in found}
# +++ fixed, unsafe
def known(parcels):
    found = (node for node in parcels if node.name)  # MS117
    return {node.name: node.id for node in found}
# --- there are many: MS103 tells it
def total(lines):
    numbers = [int(line) for line in lines]
    return sum(numbers)
# --- a handful
def widest(table):
    widths = [column.width for column in table.columns]
    return max(widths)
# --- used twice
def mean(parcels):
    weights = [parcel.weight for parcel in parcels]
    return sum(weights) / len(weights)
# --- joined
def text(nodes):
    names = [node.name for node in nodes]
    return ", ".join(names)
# --- the loop changes what it was made of
def prune(nodes):
    old = [node for node in nodes if node.old]
    for node in old:
        nodes.remove(node)
# --- returned
def names(nodes):
    found = [node.name for node in nodes]
    return found
# --- for a function
bad = any([x.bad for x in xs])  # MS117
# +++ fixed, safe
bad = any(x.bad for x in xs)  # MS117
# --- counted
late = len([x for x in xs if x.late])  # MS117
# +++ fixed, safe
late = sum(1 for x in xs if x.late)  # MS117
# --- a table of a handful
def read(table):
    for name, span in list(zip(table.columns, table.types)):
        print(name, span)
