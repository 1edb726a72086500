"""Django with DEBUG remembers queries: those of each worker thread in a log that no other thread sees."""

import threading

import django
from django.conf import settings
from ready import wait

settings.configure(DEBUG=True, DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()

from django.db import connection  # noqa: E402

done = threading.Barrier(4)
leave = threading.Event()


def poll(worker: int) -> None:
    with connection.cursor() as cursor:
        for number in range(9000):  # as many as Django keeps
            cursor.execute(f"select {number}, 'job {number} of worker {worker}: {'x' * 400}'")
    done.wait()
    leave.wait()


threads = [threading.Thread(target=poll, args=(worker,), daemon=True) for worker in range(3)]
for thread in threads:
    thread.start()
done.wait()
wait()
leave.set()
