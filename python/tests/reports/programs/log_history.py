"""A handler that keeps records until its file is opened, which it never is."""

import logging

from ready import wait


class FileHandler(logging.Handler):
    history: "list[logging.LogRecord]" = []
    activated = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.activated:
            self.history.append(record)


logger = logging.getLogger("kivy")
logger.addHandler(FileHandler())
logger.propagate = False
logger.setLevel(logging.DEBUG)
for number in range(12_000):
    logger.debug("frame %d drawn in %f s", number, number / 1000)
wait()
