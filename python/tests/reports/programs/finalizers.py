"""A signal connected in `__init__`: Django makes a finalizer for each, and the receiver never dies."""

from django.dispatch import Signal
from ready import wait

post_save = Signal()


def reset_state(sender: object, **_: object) -> None:
    pass


class Model:
    def __init__(self) -> None:
        post_save.connect(reset_state, sender=Model, dispatch_uid=f"{type(self).__name__}-DirtyFieldsMixin")


for _ in range(40_000):
    Model()
wait()
