"""A road network in networkx: dictionaries of dictionaries of dictionaries, views, generators that are suspended."""

import networkx as nx
from telling import Truth, digest


class Place:
    def __init__(self, number: int) -> None:
        self.number = number


class Road:
    def __init__(self, length: int) -> None:
        self.length = length


PLACES = [Place(number) for number in range(8_000)]
ROADS = nx.Graph()
for number in range(7_999):
    for step in (1, 7, 101):
        other = (number * step + step) % 8_000
        if other != number:
            ROADS.add_edge(PLACES[number], PLACES[other], road=Road(number % 90 + step), weight=number % 90 + step)
TREE = nx.minimum_spanning_tree(ROADS)
SEARCHES = [nx.bfs_edges(TREE, PLACES[number]) for number in range(100)]
for search in SEARCHES:
    next(search)


def work() -> object:
    way = nx.shortest_path(ROADS, PLACES[0], PLACES[4_321], weight="weight")
    return digest([place.number for place in way], TREE.number_of_edges(), nx.number_connected_components(ROADS))


truth = Truth("networkx")
truth.instances(Place, nx.Graph)
truth.objects("__main__.Road", lambda: len({id(data["road"]) for _, _, data in ROADS.edges(data=True)}))
truth.hand_over(work)
