"""A tokenizer of Hugging Face, trained here: vocabularies and merges in Rust."""

import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from telling import Truth, allocated, digest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

WORDS = [
    f"{stem}{end}{number}"
    for number in range(300)
    for stem in ("run", "read", "look", "keep")
    for end in ("", "ing", "er")
]
TEXTS = [" ".join(WORDS[start : start + 40]) for start in range(0, len(WORDS), 7)]


class Language:
    def __init__(self, size: int) -> None:
        self.tokenizer = Tokenizer(models.BPE(unk_token="[?]"))
        self.tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=["[?]"], show_progress=False)
        self.tokenizer.train_from_iterator(TEXTS, trainer)


first = Language(500)
text = first.tokenizer.to_str()
before = allocated()
COPIES = [Tokenizer.from_str(Language(4000).tokenizer.to_str()) for _ in range(12)]
copy_bytes = allocated() - before
ENCODED = [COPIES[0].encode(line) for line in TEXTS]


def work() -> object:
    return digest([COPIES[1].encode(line).ids for line in TEXTS[:50]], [each.tokens[:3] for each in ENCODED[:50]])


truth = Truth("tokenizers")
truth.instances(Language)
truth.objects("tokenizers.Tokenizer", lambda: len(COPIES) + 1)
truth.objects("tokenizers.Encoding", lambda: len(ENCODED))
truth.native([Tokenizer], lambda: copy_bytes, "malloc's statistics while they were made")
truth.hand_over(work)
