"""PyTorch's side of the temporal attention benchmark.

Reads lines "frames positions channels heads", answers the shortest time in seconds of one attention over the frames at every
position, on tensors laid out [frames, positions, channels] as the engine keeps them. Argument: threads. With one thread the
thread's processor time is measured, otherwise the wall clock, as in the benchmark itself.
"""

import sys
import time

import torch

threads = int(sys.argv[1])
torch.set_num_threads(threads)
torch.set_grad_enabled(False)
now = time.thread_time if threads == 1 else time.perf_counter


def attend(q, k, v, heads):
    frames, positions, channels = q.shape

    def split(x):  # positions × heads × frames × size, a view
        return x.view(frames, positions, heads, channels // heads).permute(1, 2, 0, 3)

    y = torch.nn.functional.scaled_dot_product_attention(split(q), split(k), split(v))
    return y.permute(2, 0, 1, 3).reshape(frames, positions, channels)


tensors = {}
for line in sys.stdin:
    if line.strip() == "hello":
        print("ready", flush=True)
        continue
    frames, positions, channels, heads = map(int, line.split())
    key = (frames, positions, channels)
    if key not in tensors:
        tensors[key] = [torch.rand(key) for _ in range(3)]
    q, k, v = tensors[key]
    attend(q, k, v, heads)
    best, total, runs = float("inf"), 0.0, 0
    while (total < 0.05 or runs < 3) and runs < 2000:
        start = now()
        attend(q, k, v, heads)
        duration = now() - start
        best = min(best, duration)
        total += duration
        runs += 1
    print(best, flush=True)
