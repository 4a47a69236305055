"""The encoders: what they may look at, and the same answer by another way."""

import pytest
import torch

from ml_platform.models.sequences.early_stopping import best_epoch
from ml_platform.models.sequences.hyperparameters import NetworkHyperparameters
from ml_platform.models.sequences.net import Lstm, NetShape, SequenceNet, ServedNet, Transformer
from ml_platform.models.sequences.training_loop import Examples, reproducible, train

SHAPE = NetShape(vocabularies=(7, 5), embeddings=(6, 2), length=5, numbers=3, classes=4, soon=True)


def rows(count: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randint(1, 5, (count, 5, 2)), torch.randn(count, 3)


def net(encoder: str, *, soon: bool = True) -> SequenceNet:
    torch.manual_seed(1)
    encoder_module = (
        Lstm(8, (6, 4), 0.0) if encoder == "lstm" else Transformer(8, 5, 8, 2, heads=2, dropout=0.0)
    )
    shape = NetShape(**{**vars(SHAPE), "soon": soon})
    return SequenceNet(shape, encoder_module, 0.0).eval()


@pytest.mark.parametrize("encoder", ["lstm", "transformer"])
def test_the_answers_are_probabilities(encoder):
    probabilities = ServedNet([net(encoder)])(*rows())
    assert probabilities.shape == (6, 5)
    assert torch.allclose(probabilities[:, :4].sum(dim=1), torch.ones(6), atol=1e-6)
    assert ((probabilities > 0) & (probabilities < 1)).all()


def test_without_a_trained_head_soon_is_zero():
    assert not ServedNet([net("lstm", soon=False)])(*rows())[:, -1].any()


def test_two_networks_answer_by_their_mean():
    first, second = net("lstm"), net("transformer")
    steps, numbers = rows()
    one, two = ServedNet([first])(steps, numbers), ServedNet([second])(steps, numbers)
    assert torch.allclose(ServedNet([first, second])(steps, numbers), (one + two) / 2)


def test_the_last_block_asked_for_the_newest_step_alone_answers_as_asked_for_all():
    encoder = Transformer(8, 5, 8, 2, heads=2, dropout=0.0).eval()
    steps, padding = torch.randn(3, 5, 8), torch.zeros(3, 5)
    mask = encoder.future + padding[:, None, None, :]
    known = encoder.enter(steps) + encoder.places
    for block in encoder.blocks:
        known = block(known, mask, False)
    assert torch.allclose(encoder.normal(known[:, -1]), encoder(steps, padding), atol=1e-6)


def test_a_step_sees_none_that_came_later():
    encoder = Transformer(8, 5, 8, 1, heads=2, dropout=0.0).eval()
    block, mask = encoder.blocks[0], encoder.future[None, None]
    steps = torch.randn(1, 5, 8)
    changed = steps.clone()
    changed[:, 3:] += 1.0
    before, after = block(steps, mask, False), block(changed, mask, False)
    assert torch.allclose(before[:, :3], after[:, :3], atol=1e-6)
    assert not torch.allclose(before[:, 3:], after[:, 3:], atol=1e-2)


def test_attention_is_that_of_torch():
    torch.manual_seed(2)
    attention = Transformer(8, 5, 8, 1, heads=2, dropout=0.0).blocks[0].attention
    steps = torch.randn(2, 5, 8)
    mask = torch.full((5, 5), -1e9).triu(1)[None, None]
    q = attention.query(steps).view(2, 5, 2, 4).transpose(1, 2)
    k, v = (
        each.view(2, 5, 2, 4).transpose(1, 2)
        for each in attention.key_value(steps).chunk(2, dim=-1)
    )
    wanted = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    wanted = attention.out(wanted.transpose(1, 2).reshape(2, 5, 8))
    assert torch.allclose(attention(steps, steps, mask), wanted, atol=1e-6)


def test_what_is_padded_is_not_looked_at():
    encoder = Transformer(8, 5, 8, 2, heads=2, dropout=0.0).eval()
    steps = torch.randn(1, 5, 8)
    padding = torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0]])
    changed = steps.clone()
    changed[:, :2] += 3.0
    assert torch.allclose(encoder(steps, padding), encoder(changed, padding), atol=1e-6)


def test_training_leaves_the_network_of_its_best_epoch():
    """Next steps are drawn: the metrics of the held-out rows jump about, and the last epoch is not the best one."""
    hyperparameters = NetworkHyperparameters(
        "lstm", learning_rate=0.05, batch=16, patience=99, dropout=0.0
    )
    steps, numbers = rows(200)
    need = torch.randint(0, 2, (200,)).float()
    examples = Examples(steps.int(), numbers, torch.randint(0, 4, (200,)), need)
    fit, held = (
        Examples(*(part[half] for part in vars(examples).values()))
        for half in (slice(100), slice(100, 200))
    )
    with reproducible(3, 1):
        network = net("lstm")
        trained = train(network, fit, held, hyperparameters, 8, lambda _: None)
    assert trained.best_epoch == best_epoch(trained.history)
    assert trained.best_epoch < len(trained.history) == 8
    named = network(held.steps.long(), held.numbers)[0].argmax(dim=1)
    right = float((named == held.next_step).double().mean())
    kept, last = (trained.history[place]["accuracy"] for place in (trained.best_epoch - 1, -1))
    assert right == kept != last


def test_training_takes_the_threads_that_it_is_told_and_gives_them_back() -> None:
    before = torch.get_num_threads()
    with reproducible(3, before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
