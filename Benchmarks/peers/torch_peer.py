"""PyTorch's side of the kernel benchmark.

Reads lines "operation number number …", answers the shortest time in seconds of one run, each run on the same tensors, laid out
as the engine keeps them wherever PyTorch allows that. Argument: threads. With one thread the thread's processor time is measured,
otherwise the wall clock, as in the benchmark itself.
"""

import sys
import time

import torch
from torch.nn import functional as F

threads = int(sys.argv[1])
torch.set_num_threads(threads)
torch.set_grad_enabled(False)
now = time.thread_time if threads == 1 else time.perf_counter


def linear(rows, columns, depth):
    x, w, b = torch.rand(rows, depth), torch.rand(columns, depth), torch.rand(columns)
    return [lambda: F.linear(x, w, b)]


def gated(rows, columns, depth):
    x, w, b = torch.rand(rows, depth), torch.rand(2 * columns, depth), torch.rand(2 * columns)

    def run():
        value, gate = F.linear(x, w, b).chunk(2, dim=-1)
        return value * F.gelu(gate)

    return [run]


def attention(batch, queries, keys, channels, heads):
    """keys: own and reference's, already side by side (which the authors' code does in every layer; not timed here)."""
    q, k, v = torch.rand(batch, queries, channels), torch.rand(batch, keys, channels), torch.rand(batch, keys, channels)

    def split(x):  # batch × heads × tokens × size, a view
        return x.view(batch, -1, heads, channels // heads).transpose(1, 2)

    return [lambda: F.scaled_dot_product_attention(split(q), split(k), split(v)).transpose(1, 2).reshape(batch, queries, channels)]


def temporal(frames, positions, channels, heads):
    q, k, v = (torch.rand(frames, positions, channels) for _ in range(3))

    def split(x):  # positions × heads × frames × size, a view
        return x.view(frames, positions, heads, channels // heads).permute(1, 2, 0, 3)

    return [lambda: F.scaled_dot_product_attention(split(q), split(k), split(v)).permute(2, 0, 1, 3).reshape(frames, positions, channels)]


def temporal_authors(frames, positions, channels, heads):
    """As the authors' network computes it between its linear layers (VersatileAttention with diffusers' AttnProcessor): tokens go to
    positions × frames, heads side by side, scores are a matrix, and all goes back."""
    x, size = torch.rand(frames, positions, channels), channels // heads
    q, k, v = (torch.rand(positions, frames, channels) for _ in range(3))

    def apart(x):
        return x.reshape(positions, frames, heads, size).permute(0, 2, 1, 3).reshape(positions * heads, frames, size)

    def run():
        x.transpose(0, 1).contiguous()
        query, key, value = apart(q), apart(k), apart(v)
        scores = torch.empty(positions * heads, frames, frames)
        scores = torch.baddbmm(scores, query, key.transpose(-1, -2), beta=0, alpha=size**-0.5)
        y = torch.bmm(scores.softmax(dim=-1), value)
        y = y.reshape(positions, heads, frames, size).permute(0, 2, 1, 3).reshape(positions, frames, channels)
        return y.transpose(0, 1).contiguous()

    return [run]


def group_norm(samples, positions, channels, groups):
    """In both of PyTorch's layouts; the faster one counts."""
    side = next(s for s in range(int(positions**0.5), 0, -1) if positions % s == 0)
    x, w, b = torch.rand(samples, channels, side, positions // side), torch.rand(channels), torch.rand(channels)
    last = x.contiguous(memory_format=torch.channels_last)
    return [lambda x=x: F.silu(F.group_norm(x, groups, w, b, 1e-5), inplace=True) for x in (x, last)]


def layer_norm(rows, channels):
    x, w, b = torch.rand(rows, channels), torch.rand(channels), torch.rand(channels)
    return [lambda: F.layer_norm(x, (channels,), w, b, 1e-5)]


def geglu(rows, channels):
    x = torch.rand(rows, 2 * channels)

    def run():
        value, gate = x.chunk(2, dim=-1)
        return value * F.gelu(gate)

    return [run]


def best(run):
    run()
    shortest, total, runs = float("inf"), 0.0, 0
    while (total < 0.05 or runs < 3) and runs < 2000:
        start = now()
        run()
        duration = now() - start
        shortest = min(shortest, duration)
        total += duration
        runs += 1
    return shortest


operations = {f.__name__: f for f in (linear, gated, attention, temporal, temporal_authors, group_norm, layer_norm, geglu)}
known = (None, [])
for line in sys.stdin:
    if line.strip() == "hello":
        print("ready", flush=True)
        continue
    if line != known[0]:
        name, *numbers = line.split()
        known = (line, operations[name](*map(int, numbers)))
    print(min(best(run) for run in known[1]), flush=True)
