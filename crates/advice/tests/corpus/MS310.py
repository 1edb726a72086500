# --- a defaultdict of dicts
from collections import defaultdict

prices = defaultdict(dict)  # MS310
# --- of defaultdicts
from collections import defaultdict

counts = defaultdict(lambda: defaultdict(int))  # MS310
# --- a lambda
import collections

prices = collections.defaultdict(lambda: {})  # MS310
# --- by setdefault
def note(prices, shop, item, price):
    prices.setdefault(shop, {})[item] = price  # MS310
# --- in an object
from collections import defaultdict

class Shops:
    def __init__(self):
        self.prices = defaultdict(dict)  # MS310
# --- of lists
from collections import defaultdict

prices = defaultdict(list)
# --- pairs for keys
prices = {}
prices[shop, item] = price
# --- a default that is read
def read(prices, shop, item):
    return prices.setdefault(shop, {})[item]
# --- a full default
def note(prices, shop, item, price):
    prices.setdefault(shop, {"": 0})[item] = price
# --- another dict
def f(dict):
    from collections import defaultdict
    return defaultdict(dict)
# --- another defaultdict
from tools import defaultdict

prices = defaultdict(dict)
