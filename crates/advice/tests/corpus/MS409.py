# --- switched off
import gc

gc.disable()  # MS409
# --- by name
from gc import disable

def start():
    disable()  # MS409
# --- never
import gc

gc.set_threshold(0)  # MS409
# --- hardly ever
import gc

gc.set_threshold(100_000_000, 50, 50)  # MS409
# --- under another name
import gc as collector

collector.disable()  # MS409
# --- on again
import gc

gc.disable()
load()
gc.enable()
# --- by hand
import gc

gc.disable()
for batch in batches():
    run(batch)
    gc.collect()
# --- frozen before a fork
import gc

gc.disable()
gc.freeze()
# --- a higher threshold
import gc

gc.set_threshold(50_000, 20, 100)
# --- another gc
from tools import gc

gc.disable()
# --- asked
import gc

print(gc.get_threshold())
