"""A gRPC server and its client on the loopback: threads in C++, messages of protobuf, channels that stay open."""

from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, struct_pb2
from telling import Truth, digest


class Book:
    def __init__(self, number: int) -> None:
        self.number = number
        self.message = struct_pb2.Struct()
        self.message.update({"title": f"book {number}", "pages": number, "tags": ["a", "b", str(number)]})


BOOKS = [Book(number) for number in range(4000)]


class Handler(grpc.GenericRpcHandler):
    def service(self, call: grpc.HandlerCallDetails) -> object:
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: BOOKS[int(request["number"])].message,
            request_deserializer=struct_pb2.Struct.FromString,
            response_serializer=struct_pb2.Struct.SerializeToString,
        )


pool = futures.ThreadPoolExecutor(4)
server = grpc.server(pool)
server.add_generic_rpc_handlers([Handler()])
port = server.add_insecure_port("127.0.0.1:0")
server.start()
channel = grpc.insecure_channel(f"127.0.0.1:{port}")
ask = channel.unary_unary(
    "/library/Book",
    request_serializer=struct_pb2.Struct.SerializeToString,
    response_deserializer=struct_pb2.Struct.FromString,
)
FILE = descriptor_pb2.FileDescriptorProto(
    name="books.proto", dependency=[f"part{number}.proto" for number in range(900)]
)


def work() -> object:
    titles = []
    for number in range(100):
        request = struct_pb2.Struct()
        request.update({"number": number})
        titles.append(ask(request)["title"])
    return digest(titles, len(FILE.SerializeToString()))


truth = Truth("grpcio", "protobuf")
truth.instances(Book, type(channel), type(server))


def settled() -> bool:
    """No call is being ended by the server's threads."""
    state = server._state  # type: ignore[attr-defined]
    return not state.rpc_states and pool._idle_semaphore._value == len(pool._threads)


truth.hand_over(work, settled)
server.stop(None)
