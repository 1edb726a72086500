# --- the first one
oldest = sorted(files, key=age)[0]  # MS111
# +++ fixed, unsafe
oldest = min(files, key=age)  # MS111
# --- the first of the reverse
newest = sorted(files, key=age, reverse=True)[0]  # MS111
# +++ fixed, unsafe
newest = max(files, key=age)  # MS111
# --- the last one, without a key
largest = sorted(sizes)[-1]  # MS111
# +++ fixed, unsafe
largest = max(sizes)  # MS111
# --- the last one of equal ones
newest = sorted(files, key=age)[-1]  # MS111
# --- the first few
low = sorted(sizes)[:10]  # MS111
top = sorted((score(x) for x in xs), reverse=True)[:3]  # MS111
# --- as many as are asked for
low = sorted(sizes)[:count]
# --- many
low = sorted(sizes)[:1000]
# --- the middle
median = sorted(sizes)[len(sizes) // 2]
# --- all but the first few
rest = sorted(sizes)[10:]
# --- every second one
some = sorted(sizes)[:10:2]
# --- a short list
first = sorted([a, b, c])[0]
# --- another sorted
first = self.sorted(sizes)[0]
# --- the second
second = sorted(sizes)[1]
