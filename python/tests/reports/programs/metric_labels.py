"""A metric labelled by user: one child for each value of a label, for ever."""

from prometheus_client import Counter
from ready import wait

SPENT = Counter("litellm_spend", "Money spent", ["user_id", "key_id"])

for number in range(12_000):
    SPENT.labels(f"user-{number}", f"key-{number * 7}").inc(number)
wait()
