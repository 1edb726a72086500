"""The interpreter as it starts, with nothing of its own."""

import recorder

recorder.serve(None)
