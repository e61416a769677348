"""Which samples go through a model together: whole prompts, in batches of constant length.

Every call of a model sees exactly as many samples, because a matrix product may round differently when its shape
differs; the last are copies where samples run out. Rows of one product do not see one another, so a sample is the same
bit for bit in any company. Methods that couple samples see the samples of one prompt as a group, and never a copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from padstal.core.protocols import Group


@dataclass(frozen=True)
class Batch:
    """Samples of one call.

    Attributes:
        rows: Which of all samples, by position; the first `own` are wanted, the others copies of the last.
        own: How many are no copies.
        prompts, seeds, indices: Of each row.
        groups: The samples of each prompt, by place in the batch; copies are in none.
    """

    rows: tuple[int, ...]
    own: int
    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    indices: tuple[int, ...]
    groups: tuple[Group, ...]


def batches(
    prompts: Sequence[str], seeds: Sequence[int], indices: Sequence[int], batch: int, *, couples: bool = False
) -> list[Batch]:
    """All samples in batches of `batch`, those of a prompt together.

    Args:
        prompts: One a sample.
        seeds: One a sample.
        indices: One a sample.
        batch: Samples of every call.
        couples: Whether a method couples the samples of a prompt; else a prompt of more samples than `batch` is cut.

    Raises:
        ValueError: A prompt that must stay together has more samples than `batch`.
    """
    of_prompt: dict[str, list[int]] = {}
    for row, prompt in enumerate(prompts):
        of_prompt.setdefault(prompt, []).append(row)
    filled: list[list[list[int]]] = []
    for prompt, rows in of_prompt.items():
        if couples and len(rows) > batch:
            raise ValueError(
                f"prompt {prompt!r} has {len(rows)} samples, and batch = {batch}: a method that couples samples needs "
                "them in one batch"
            )
        for part in (rows[at : at + batch] for at in range(0, len(rows), batch)):
            if not filled or sum(map(len, filled[-1])) + len(part) > batch:
                filled.append([])
            filled[-1].append(part)

    def group(rows: Sequence[int], first: int) -> Group:
        places = tuple(range(first, first + len(rows)))
        return Group(prompts[rows[0]], places, tuple(seeds[r] for r in rows), tuple(indices[r] for r in rows))

    made = []
    for parts in filled:
        own = [row for part in parts for row in part]
        every = tuple(own + [own[-1]] * (batch - len(own)))
        starts = [sum(map(len, parts[:number])) for number in range(len(parts))]
        made.append(
            Batch(
                every,
                len(own),
                tuple(prompts[row] for row in every),
                tuple(seeds[row] for row in every),
                tuple(indices[row] for row in every),
                tuple(group(part, start) for part, start in zip(parts, starts, strict=True)),
            )
        )
    return made
