"""A training in torch, on the processor: parameters, gradients, an optimiser's state, batches, a graph that is kept."""

import torch
from telling import Truth, digest

torch.manual_seed(7)
torch.set_num_threads(1)


class Batch:
    def __init__(self, number: int) -> None:
        self.inputs = torch.randn(256, 400)
        self.wanted = torch.randint(0, 10, (256,))
        self.number = number


MODEL = torch.nn.Sequential(torch.nn.Linear(400, 1500), torch.nn.ReLU(), torch.nn.Linear(1500, 10))
OPTIMISER = torch.optim.Adam(MODEL.parameters(), lr=1e-4)
BATCHES = [Batch(number) for number in range(120)]
for batch in BATCHES[:30]:
    OPTIMISER.zero_grad()
    torch.nn.functional.cross_entropy(MODEL(batch.inputs), batch.wanted).backward()
    OPTIMISER.step()
# The mistake of many: losses that keep the graph of each step.
LOSSES = [torch.nn.functional.cross_entropy(MODEL(batch.inputs), batch.wanted) for batch in BATCHES[:8]]
VIEWS = [torch.randn(1000, 300)[:5] for _ in range(10)]


def tensors() -> list[torch.Tensor]:
    mine = [tensor for batch in BATCHES for tensor in (batch.inputs, batch.wanted)] + VIEWS + LOSSES
    learned = [tensor for parameter in MODEL.parameters() for tensor in (parameter, parameter.grad)]
    states = [each for state in OPTIMISER.state.values() for each in state.values() if isinstance(each, torch.Tensor)]
    return mine + learned + states  # type: ignore[return-value]


def work() -> object:
    with torch.no_grad():
        found = [int(MODEL(batch.inputs).argmax(1).sum()) for batch in BATCHES[:20]]
    return digest(found, [round(float(loss), 5) for loss in LOSSES], [round(float(view.sum()), 3) for view in VIEWS])


def stated() -> int:
    storages = {tensor.storage().data_ptr(): tensor.storage() for tensor in tensors()}
    return sum(storage.nbytes() for storage in storages.values())


truth = Truth("torch")
truth.instances(Batch, torch.nn.Linear)
truth.native([torch.Tensor, torch.nn.Parameter, "torch.UntypedStorage"], stated, "nbytes of the tensors' storages")
truth.hand_over(work)
