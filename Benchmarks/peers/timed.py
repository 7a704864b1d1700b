"""What the peers of `rain benchmark --peer` have in common: the caller's arguments, and lines in, seconds out."""

import os
import sys
import time


def add_arguments(parser):
    """Those that the caller adds last."""
    parser.add_argument("threads", type=int)
    parser.add_argument("instructions")


def prepare(arguments):
    """Sets what the libraries read when they are loaded: to be called before PyTorch is imported."""
    if arguments.instructions == "avx2":
        os.environ.update(ONEDNN_MAX_CPU_ISA="AVX2", ATEN_CPU_CAPABILITY="avx2", MKL_ENABLE_INSTRUCTIONS="AVX2")
    os.environ.update(OMP_NUM_THREADS=str(arguments.threads), MKL_NUM_THREADS=str(arguments.threads), HF_HUB_OFFLINE="1")


def serve(about, step):
    """Prints a line about the peer, then the seconds of one step for every line read."""
    print(about, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        step()
        print(time.perf_counter() - start, flush=True)
