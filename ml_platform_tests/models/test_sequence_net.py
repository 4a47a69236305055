"""The encoders: what they may look at, and the same answer by another way."""

import pytest
import torch

from ml_platform.models.sequences.chunks import NO_ROW
from ml_platform.models.sequences.early_stopping import best_epoch
from ml_platform.models.sequences.examples import Chunks, Examples
from ml_platform.models.sequences.hyperparameters import NetworkHyperparameters
from ml_platform.models.sequences.net import (
    Dropout,
    Lstm,
    NetShape,
    SequenceNet,
    ServedNet,
    Transformer,
)
from ml_platform.models.sequences.training_loop import reproducible, train

SHAPE = NetShape(vocabularies=(7, 5), embeddings=(6, 2), length=5, numbers=3, classes=4, soon=True)


def rows(count: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randint(1, 5, (count, 5, 2)), torch.randn(count, 3)


def net(encoder: str, *, soon: bool = True) -> SequenceNet:
    torch.manual_seed(1)
    encoder_module = (
        Lstm(8, 5, (6, 4), 0.0)
        if encoder == "lstm"
        else Transformer(8, 5, 8, 2, heads=2, dropout=0.0)
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


def transformer(length: int = 5, blocks: int = 2) -> Transformer:
    torch.manual_seed(2)
    return Transformer(8, length, 8, blocks, heads=2, dropout=0.0).eval()


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_the_transformer_answers_inside_a_chunk_as_for_each_window_alone(blocks):
    encoder = transformer(7, blocks)
    steps = torch.randn(3, 15, 8)
    padding = torch.zeros(3, 15)
    padding[0, :6] = padding[1, 13:] = 1.0
    padding[2] = (torch.arange(15) < 9).float()  # three of its windows have no step at all
    together = encoder(steps, padding)
    alone = [encoder(steps[:, at : at + 7], padding[:, at : at + 7])[:, 0] for at in range(9)]
    assert together.shape == (3, 9, 8)
    assert torch.allclose(together, torch.stack(alone, dim=1), atol=1e-5)


@pytest.mark.parametrize("encoder", [transformer(), Lstm(8, 5, (6, 4), 0.0)])
def test_an_answer_inside_a_chunk_knows_none_of_the_steps_that_come_later(encoder):
    steps, padding = torch.randn(1, 9, 8), torch.zeros(1, 9)
    changed = steps.clone()
    changed[:, 6:] += 1.0
    before, after = encoder(steps, padding), encoder(changed, padding)
    assert torch.allclose(before[:, :2], after[:, :2], atol=1e-6)
    assert (before[:, 2:] - after[:, 2:]).abs().amax(dim=(0, 2)).min() > 1e-3


def test_the_lstm_answers_at_each_step_with_what_it_has_kept_of_all_before():
    encoder = Lstm(8, 5, (6, 4), 0.0).eval()
    steps = torch.randn(2, 9, 8)
    together = encoder(steps, torch.zeros(2, 9))
    assert together.shape == (2, 5, 4)
    for at in range(5):
        alone = encoder(steps[:, : 5 + at], torch.zeros(2, 5 + at))
        assert torch.allclose(together[:, at], alone[:, -1], atol=1e-6)


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_the_newest_step_hears_of_the_oldest_one_and_of_none_before_it(blocks):
    encoder = transformer(7, blocks)
    steps, padding = torch.randn(1, 8, 8), torch.zeros(1, 8)
    answer = encoder(steps, padding)[:, 1]
    for place, heard in ((0, False), (1, True)):
        changed = steps.clone()
        changed[:, place] += 3.0
        assert torch.allclose(encoder(changed, padding)[:, 1], answer, atol=1e-6) != heard


def test_attention_that_knows_nothing_of_distances_is_that_of_torch():
    attention = transformer(5, 1).blocks[0].attention
    for parameter in (attention.near_key, attention.near_value, attention.near_bias):
        parameter.data.zero_()
    steps = torch.randn(2, 9, 8)
    q = attention.query(steps[:, 4:]).view(2, 5, 2, 4).transpose(1, 2)
    k, v = (
        each.view(2, 9, 2, 4).transpose(1, 2)
        for each in attention.key_value(steps).chunk(2, dim=-1)
    )
    back = torch.arange(4, 9)[:, None] - torch.arange(9)
    mask = (back >= 0) & (back <= 4)
    wanted = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    wanted = attention.out(wanted.transpose(1, 2).reshape(2, 5, 8))
    assert torch.allclose(attention(steps, torch.zeros(2, 9)), wanted, atol=1e-6)


def test_what_attention_knows_of_a_distance_is_as_if_keys_and_values_were_others_there():
    """By hand: one head, two steps; the newer one reads both, each with the vectors of its distance."""
    attention = Transformer(2, 2, 2, 1, heads=1, dropout=0.0).blocks[0].attention
    steps = torch.randn(1, 2, 2)
    q = attention.query(steps[0, 1])
    k, v = attention.key_value(steps[0]).chunk(2, dim=-1)
    far_to_near = [1, 0]
    logits = (k + attention.near_key[far_to_near]) @ q / 2**0.5 + attention.near_bias[
        0, far_to_near
    ]
    wanted = attention.out(torch.softmax(logits, 0) @ (v + attention.near_value[far_to_near]))
    assert torch.allclose(attention(steps, torch.zeros(1, 2))[0, 0], wanted, atol=1e-6)


def test_what_is_padded_is_not_looked_at():
    encoder = transformer()
    steps = torch.randn(1, 5, 8)
    padding = torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0]])
    changed = steps.clone()
    changed[:, :2] += 3.0
    assert torch.allclose(encoder(steps, padding), encoder(changed, padding), atol=1e-6)


def test_of_padded_steps_only_the_rest_is_left_for_the_second_block():
    encoder = transformer()
    steps, padding = torch.randn(1, 5, 8), torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0]])
    below, above = encoder.blocks
    newest_three = below(encoder.enter(steps), padding)
    wanted = encoder.normal(above(newest_three, torch.zeros(1, 3)))
    assert torch.allclose(encoder(steps, padding), wanted, atol=1e-6)


def test_dropout_sets_its_share_to_zero_and_keeps_the_mean_in_training_alone():
    values = torch.ones(1_001, 101)
    dropout = Dropout(0.2)
    with reproducible(3, 1):
        dropped, other = dropout(values), dropout(values)
    assert dropped.unique().tolist() == [0.0, pytest.approx(256 / 205)]
    assert float((dropped == 0).double().mean()) == pytest.approx(51 / 256, abs=0.005)
    assert not torch.equal(dropped, other)
    assert torch.equal(dropout.eval()(values), values)


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
        windows = Chunks(fit, torch.arange(100)[:, None])
        trained = train(network, windows, held, hyperparameters, 8, lambda _: None)
    assert trained.best_epoch == best_epoch(trained.history)
    assert trained.best_epoch < len(trained.history) == 8
    named = network(held.steps.long(), held.numbers)[0].argmax(dim=1)
    right = float((named == held.next_step).double().mean())
    kept, last = (trained.history[place]["accuracy"] for place in (trained.best_epoch - 1, -1))
    assert right == kept != last


def test_rows_of_a_chunk_keep_their_numbers_and_labels():
    """Both labels follow from a number of the row, and steps say nothing."""
    hyperparameters = NetworkHyperparameters("lstm", learning_rate=0.02, batch=20, dropout=0.0)
    steps, numbers = rows(300)
    next_step, soon = (numbers[:, 0] > 0).long(), (numbers[:, 1] > 0).float()
    examples = Examples(steps.int(), numbers, next_step, soon)
    held = Examples(*(part[200:] for part in vars(examples).values()))
    chunks = torch.arange(200).reshape(50, 4)
    chunks[::3, 3] = NO_ROW
    with reproducible(3, 1):
        trained = train(
            net("lstm"), Chunks(examples, chunks), held, hyperparameters, 12, lambda _: None
        )
    assert trained.history[-1]["accuracy"] > 0.85
    assert trained.history[-1]["soon_f1"] > 0.85


def test_training_takes_the_threads_that_it_is_told_and_gives_them_back() -> None:
    before = torch.get_num_threads()
    with reproducible(3, before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
