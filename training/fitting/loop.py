"""The one training loop: steps in epochs, validation, early stopping, and checkpoints to resume.

Every random draw of an epoch is seeded by its number, so an interrupted training that resumes ends
with the same weights as one that ran through.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.training.fitting.schedule import Schedule

Curves = dict[str, list[float]]


def train(
    model: nn.Module,
    *,
    batches: Callable[[int], Iterable[tuple[Tensor, ...]]],
    losses: Callable[[nn.Module, tuple[Tensor, ...]], dict[str, Tensor]],
    validate: Callable[[nn.Module], dict[str, float]],
    schedule: Schedule,
    seed: int,
    checkpoint: Path | None,
    on_epoch: Callable[[int], None] = lambda epoch: None,
    largest_gradient: float | None = None,
) -> Curves:
    """Train ``model`` in place and leave it with the weights of its best epoch, in eval mode.

    Parameters
    ----------
    batches : function of the epoch's number
        Gives the epoch's batches, ``schedule.steps`` of them; must depend on nothing but that
        number.
    losses : function of model and batch
        The named terms of the loss, summed for the gradient.
    validate : function of the model (in eval mode)
        Named figures on training-side data; ``validation_loss`` decides which epoch is best.
    schedule : Schedule
    checkpoint : Path or None
        Written after every epoch; read first, if there, to resume. Kept when done: a finished
        training that is asked for again returns at once. None: cannot be resumed.
    on_epoch : function
        Called with the number of epochs done, for a progress bar.
    largest_gradient : float > 0, optional
        Norm that a longer gradient is cut to.

    Returns
    -------
    dict of lists
        A value per epoch: ``epoch``, ``train_loss``, each loss term, each validation figure.

    Raises
    ------
    InputError
        If the checkpoint is of another model.
    """
    # Faster on a CPU with small maps; the layout changes no value.
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(
        model.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, schedule.learning_rate, total_steps=schedule.epochs * schedule.steps
    )
    curves: Curves = {}
    best: dict[str, Tensor] = {}
    best_epoch = done = 0
    if checkpoint and checkpoint.exists():
        state = _read(checkpoint, model)
        optimizer.load_state_dict(state["optimizer"])
        cycle.load_state_dict(state["schedule"])
        curves, best, best_epoch, done = (
            state[key] for key in ("curves", "best", "best_epoch", "done")
        )
        on_epoch(done)
    while done < schedule.epochs and done - best_epoch < schedule.patience:
        torch.manual_seed(seed * 100_003 + done)
        model.train()
        sums: dict[str, float] = {}
        for batch in batches(done):
            terms = losses(model, batch)
            total = torch.stack(list(terms.values())).sum()
            optimizer.zero_grad(set_to_none=True)
            total.backward()
            if largest_gradient is not None:
                nn.utils.clip_grad_norm_(model.parameters(), largest_gradient)
            optimizer.step()
            cycle.step()
            for name, value in {"train_loss": total, **terms}.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach()) / schedule.steps
        model.eval()
        with torch.inference_mode():
            figures = {"epoch": float(done + 1), **sums, **validate(model)}
        for name, figure in figures.items():
            curves.setdefault(name, []).append(figure)
        done += 1
        if figures["validation_loss"] <= min(curves["validation_loss"]):
            best_epoch = done
            best = {k: v.detach().clone() for k, v in model.state_dict().items()}
        if checkpoint:
            _write(
                checkpoint,
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "schedule": cycle.state_dict(),
                    "curves": curves,
                    "best": best,
                    "best_epoch": best_epoch,
                    "done": done,
                },
            )
        on_epoch(done)
    if best:
        model.load_state_dict(best)
    model.eval()
    return curves


def _write(path: Path, state: dict[str, object]) -> None:
    # In memory first: of a file that takes no more torch tells no reason.
    content = io.BytesIO()
    torch.save(state, content)
    with write_atomic(path) as file:
        file.write(content.getbuffer())


def _read(path: Path, model: nn.Module) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"the checkpoint {path} cannot be resumed ({reason}): expected one of this run; "
            "remove it to start over"
        ) from error
    return state
