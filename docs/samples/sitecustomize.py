"""Lets a program that works and sleeps in turn be where its page looks at it: the first sleeps take no time."""

import time

_sleep = time.sleep
_left = 10_000


def sleep(seconds):
    global _left
    if _left > 0:
        _left -= 1
        if _left == 0:
            print("ready", flush=True)
    else:
        _sleep(seconds)


time.sleep = sleep
