"""Random allocation problems that look like compiled programs; the same seed, the same problem.

A program is a layered graph: every level holds a handful of operations, each reads one to
three earlier variables, most of them from nearby levels, and writes one variable. About half
of the operations are attention, half MLPs. Some have a second alternative, which reads what
one of the operands was computed from instead of the operand itself, as a fused cone does;
it costs more and can make the operand's own operation superfluous. Runs of attention operations
share their heads, as aggregates by one selector do.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from shoal_solvers import AllocationProblem, Alternative, Budgets, Kind, Operation, Variable


@dataclass(frozen=True)
class InstanceShape:
    """What a random instance looks like.

    Attributes:
        operations: how many operations there are.
        levels: how many levels they are spread over; None makes a level of every five
            operations, about what the stock programs of RASP have.
        max_width: variables are 1 .. max_width columns wide.
        max_reads: an alternative reads 1 .. max_reads variables (a fused one up to
            ``max_reads`` more).
        locality: probability that a read stops at the nearest level instead of going on to
            the one before.
        fused: share of operations that get a second, fused alternative.
        sharing: probability that an attention operation shares heads with the last one before
            that has the same size; it changes nothing else about the instance.
    """

    operations: int
    levels: int | None = None
    max_width: int = 20
    max_reads: int = 3
    locality: float = 0.6
    fused: float = 0.2
    sharing: float = field(default=0.5, repr=False)  # the seed is made of what is printed

    def num_levels(self) -> int:
        """The number of levels that are asked for, or the default one."""
        return min(self.operations, self.levels or max(3, self.operations // 5))


def random_instance(
    shape: InstanceShape, seed: int, budgets: Budgets | None = None
) -> AllocationProblem:
    """The instance of a shape that belongs to a seed."""
    rng = random.Random(f"{shape}/{seed}")
    widths = {name: rng.randint(1, shape.max_width) for name in ("tokens", "indices")}
    levels = [["tokens", "indices"], *_spread_over_levels(rng, shape)]
    reads = _draw_reads(rng, shape, levels)
    outputs = _connect_unread(rng, shape, levels, reads)
    kinds = {name: rng.choice(list(Kind)) for name in reads}
    widths |= {name: rng.randint(1, shape.max_width) for name in reads}
    return AllocationProblem(
        variables=tuple(
            Variable(
                name=name,
                width=width,
                is_input=name in levels[0],
                is_output=name in outputs,
                erase_neurons=width,
            )
            for name, width in widths.items()
        ),
        operations=_with_sharing(
            random.Random(f"{shape}/{seed}/sharing"),
            shape,
            [
                Operation(
                    name=f"compute_{name}",
                    kind=kinds[name],
                    writes=(name,),
                    alternatives=_alternatives(rng, shape, name, reads, kinds, widths),
                )
                for name in reads
            ],
        ),
        budgets=budgets or Budgets(),
        name=f"random_{shape.operations}_{seed}",
    )


def _spread_over_levels(rng: random.Random, shape: InstanceShape) -> list[list[str]]:
    """Names of the operations' results, at least one a level; the last level has just one."""
    count = shape.num_levels()
    level_of = [*range(count), *(rng.randrange(count - 1) for _ in range(shape.operations - count))]
    levels: list[list[str]] = [[] for _ in range(count)]
    for number, level in enumerate(sorted(level_of)):
        levels[level].append(f"v{number}")
    return levels


def _draw_reads(
    rng: random.Random, shape: InstanceShape, levels: list[list[str]]
) -> dict[str, list[str]]:
    """For every result the variables that its operation reads; the first is of the level before."""
    reads: dict[str, list[str]] = {}
    for number, level in enumerate(levels[1:], start=1):
        for name in level:
            chosen = [rng.choice(levels[number - 1])]
            for _ in range(rng.randint(1, shape.max_reads) - 1):
                back = number - 1
                while back > 0 and rng.random() > shape.locality:
                    back -= 1
                chosen.append(rng.choice(levels[back]))
            reads[name] = list(dict.fromkeys(chosen))
    return reads


def _connect_unread(
    rng: random.Random, shape: InstanceShape, levels: list[list[str]], reads: dict[str, list[str]]
) -> set[str]:
    """Give results that nothing reads a reader in a later level; return the outputs."""
    outputs = set(levels[-1])
    read = {v for names in reads.values() for v in names}
    for number, level in enumerate(levels[:-1]):
        for name in level:
            if name in read:
                continue
            later = [
                r
                for names in levels[number + 1 : number + 4]
                for r in names
                if len(reads[r]) < shape.max_reads
            ]
            if later:
                reads[rng.choice(later)].append(name)
            elif number > 0:
                outputs.add(name)
    return outputs


def _alternatives(
    rng: random.Random,
    shape: InstanceShape,
    name: str,
    reads: dict[str, list[str]],
    kinds: dict[str, Kind],
    widths: dict[str, int],
) -> tuple[Alternative, ...]:
    """The operation as drawn and, for some, one that is fused with an operand's operation."""
    size = rng.randint(1, 2) if kinds[name] is Kind.ATTENTION else rng.randint(1, 3) * widths[name]
    plain = Alternative(tuple(reads[name]), size)
    operands = [v for v in reads[name] if v in reads]
    if not operands or rng.random() >= shape.fused:
        return (plain,)
    absorbed = rng.choice(operands)
    leaves = [v for v in reads[name] if v != absorbed] + reads[absorbed]
    return (plain, Alternative(tuple(dict.fromkeys(leaves)), size + rng.randint(1, size + 1)))


def _with_sharing(
    rng: random.Random, shape: InstanceShape, operations: list[Operation]
) -> tuple[Operation, ...]:
    """The operations, runs of attention operations with a single alternative sharing heads."""
    latest: dict[int, str] = {}
    result = []
    for o in operations:
        if o.kind is Kind.ATTENTION and len(o.alternatives) == 1:
            size = o.alternatives[0].size
            if size not in latest or rng.random() >= shape.sharing:
                latest[size] = f"sharing_{o.name}"
            o = replace(o, sharing=latest[size])
        result.append(o)
    return tuple(result)
