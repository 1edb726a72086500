# --- a list of failures
def load_all(paths):
    failed = []
    for path in paths:
        try:
            load(path)
        except ValueError as error:
            failed.append(error)  # MS407
    print(len(failed))
# +++ fixed, unsafe
def load_all(paths):
    failed = []
    for path in paths:
        try:
            load(path)
        except ValueError as error:
            failed.append(error.with_traceback(None))  # MS407
    print(len(failed))
# --- with what it is about
failed = []

def load_one(path):
    try:
        load(path)
    except (OSError, ValueError) as e:
        failed.append((path, e))  # MS407
# +++ fixed, unsafe
failed = []

def load_one(path):
    try:
        load(path)
    except (OSError, ValueError) as e:
        failed.append((path, e.with_traceback(None)))  # MS407
# --- a dict in an object
class Loader:
    def __init__(self):
        self.errors = {}

    def load(self, path):
        try:
            read(path)
        except OSError as error:
            self.errors[path] = error  # MS407

    def report(self):
        for path, error in self.errors.items():
            print(path, error)
# +++ fixed, unsafe
class Loader:
    def __init__(self):
        self.errors = {}

    def load(self, path):
        try:
            read(path)
        except OSError as error:
            self.errors[path] = error.with_traceback(None)  # MS407

    def report(self):
        for path, error in self.errors.items():
            print(path, error)
# --- the last one
class Loader:
    def load(self, path):
        try:
            read(path)
        except OSError as error:
            self.last_error = error  # MS407

    def __str__(self):
        return f"loader, {self.last_error}"
# +++ fixed, unsafe
class Loader:
    def load(self, path):
        try:
            read(path)
        except OSError as error:
            self.last_error = error.with_traceback(None)  # MS407

    def __str__(self):
        return f"loader, {self.last_error}"
# --- a set of the module
seen = set()

def check(x):
    try:
        run(x)
    except Exception as e:
        seen.add(e)  # MS407
# +++ fixed, unsafe
seen = set()

def check(x):
    try:
        run(x)
    except Exception as e:
        seen.add(e.with_traceback(None))  # MS407
# --- its text is kept
def load_all(paths):
    failed = []
    for path in paths:
        try:
            load(path)
        except ValueError as error:
            failed.append(str(error))
            failed.append(error.args)
# --- raised in a group
def load_all(paths):
    failed = []
    for path in paths:
        try:
            load(path)
        except ValueError as error:
            failed.append(error)
    if failed:
        raise ExceptionGroup("some failed", failed)
# --- raised later
class Future:
    def run(self):
        try:
            self.work()
        except Exception as error:
            self.error = error

    def result(self):
        if self.error is not None:
            raise self.error
# --- the list is returned
def load_all(paths):
    failed = []
    for path in paths:
        try:
            load(path)
        except ValueError as error:
            failed.append(error)
    return failed
# --- its traceback is shown
import traceback

failed = []

def load_one(path):
    try:
        load(path)
    except ValueError as error:
        failed.append(error)

def show():
    for error in failed:
        traceback.print_exception(error)
# --- without its traceback
failed = []

def load_one(path):
    try:
        load(path)
    except ValueError as error:
        error.__traceback__ = None
        failed.append(error)
# --- once, in a local
def load_one(path):
    errors = []
    try:
        load(path)
    except ValueError as error:
        errors.append(error)
    print(errors)
# --- the same name, another thing
errors = []

def load_one(path):
    try:
        load(path)
    except ValueError as error:
        pass

def note(error):
    errors.append(error)
# --- the first is raised
def load_all(paths):
    failed = []
    for path in paths:
        try:
            load(path)
        except ValueError as error:
            failed.append(error)
    for error in failed:
        raise error
# --- another object's
def load(context, path):
    try:
        read(path)
    except OSError as error:
        context.error = error
# --- a parameter that is filled
def load_all(paths, failed):
    for path in paths:
        try:
            read(path)
        except OSError as error:
            failed[path] = error
# --- raised by its key
class Loader:
    def load(self, path):
        try:
            read(path)
        except OSError as error:
            self.failed[path] = error

    def result(self, path):
        raise self.failed[path]
# --- their parts are raised in a group
def load_all(paths):
    failed = []
    for path in paths:
        try:
            read(path)
        except ReadGroup as error:
            failed.append(error)
    parts = [part for error in failed for part in error.exceptions]
    raise ReadGroup("none could be read", parts)
# --- a table that was given
def load_all(paths, **options):
    failed = options.pop("failed", {})
    for path in paths:
        try:
            read(path)
        except OSError as error:
            failed[path] = error
# --- raised again at once
seen = []

def check(x):
    try:
        run(x)
    except Exception as error:
        seen.append(error)
        raise
# --- logged with its traceback: no fix
import logging

failed = []

def load_one(path):
    try:
        load(path)
    except OSError as error:
        failed.append(error)  # MS407
        logging.exception("not read")
