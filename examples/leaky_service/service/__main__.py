"""Serves on a free port of the loopback interface; says ``ready PORT`` when it listens."""

from service import app

if __name__ == "__main__":
    app.serve()
