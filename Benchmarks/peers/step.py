"""PyTorch's side of `rain benchmark step --peer`: one denoising step of the published size.

    python3 -m venv peers
    peers/bin/pip install torch==2.4.1 diffusers==0.24.0 transformers==4.30.2 huggingface-hub==0.25.1 einops==0.8.0 \
        accelerate==0.34.0 numpy==1.26.4
    rain benchmark step --peer "peers/bin/python3 Benchmarks/peers/step.py --authors RAIN"

With --authors, the path of a checkout of github.com/MatrixTeam-AI/RAIN, it runs the authors' denoising network. Without, diffusers'
UNetMotionModel at the same widths. That one differs: no keys of a reference in the spatial attention (it does about 6 % less work),
no pose features, one timestep for all frames, motion modules with two attentions as ours. Weights are random, float32, eager; no gradients.

Arguments added by the caller: window, size in pixels, threads, instruction set. Protocol: a line about itself when ready, then the seconds
of one step for every line read.
"""

import argparse
import os
import sys

import timed

parser = argparse.ArgumentParser()
parser.add_argument("--authors", help="a checkout of the authors' repository")
parser.add_argument("window")
parser.add_argument("size", type=int)
timed.add_arguments(parser)
arguments = parser.parse_args()

timed.prepare(arguments)

import torch  # noqa: E402

torch.set_num_threads(arguments.threads)
torch.set_grad_enabled(False)
torch.manual_seed(0)
group, levels = (int(part) for part in arguments.window.split("x"))
frames = group * levels
side = arguments.size // 8
widths = (320, 640, 1280, 1280)


def authors(path):
    import json

    sys.path.insert(0, path)
    from src.models.unet_3d_explicit_reference import UNet3DConditionModelExplicitReference as Network

    with open(os.path.join(path, "configs/unet.json")) as file:
        config = json.load(file)
    config.update(
        down_block_types=["CrossAttnDownBlock3D"] * 3 + ["DownBlock3D"],
        up_block_types=["UpBlock3D"] + ["CrossAttnUpBlock3D"] * 3,
        mid_block_type="UNetMidBlock3DCrossAttn",
        use_inflated_groupnorm=True,
        unet_use_cross_frame_attention=False,
        unet_use_temporal_attention=False,
        use_motion_module=True,
        motion_module_resolutions=[1, 2, 4, 8],
        motion_module_mid_block=True,
        motion_module_decoder_only=False,
        motion_module_type="Vanilla",
        motion_module_kwargs=dict(
            num_attention_heads=8,
            num_transformer_block=1,
            attention_block_types=["Temporal_Self", "Temporal_Self"],
            temporal_position_encoding=True,
            temporal_position_encoding_max_len=32,
            temporal_attention_dim_div=1,
        ),
        cond_proj_dim=512,
    )
    network = Network.from_config(config).eval()
    banks = {}
    for name, level in zip(
        "d00 d01 d10 d11 d20 d21 m u10 u11 u12 u20 u21 u22 u30 u31 u32".split(), [0, 0, 1, 1, 2, 2, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0]
    ):
        banks[name] = torch.randn(1, (side >> level) ** 2, widths[min(level, 3)])
    levels_of_frames = torch.tensor([[249 + 250 * (frame // group) for frame in range(frames)]])
    sample, pose = torch.randn(1, 4, frames, side, side), torch.randn(1, 320, frames, side, side)
    context, guidance = torch.randn(1, 1, 768), torch.randn(frames, 512)
    return lambda: network(sample, levels_of_frames, context, pose, guidance, **banks)


def fallback():
    from diffusers import UNetMotionModel

    network = UNetMotionModel(
        sample_size=side,
        block_out_channels=widths,
        cross_attention_dim=768,
        num_attention_heads=8,
        motion_num_attention_heads=8,
        use_motion_mid_block=True,
    ).eval()
    sample, context = torch.randn(1, 4, frames, side, side), torch.randn(1, 1, 768)
    return lambda: network(sample, 249, context)


step = authors(arguments.authors) if arguments.authors else fallback()
what = "the authors' network" if arguments.authors else "diffusers' UNetMotionModel"
timed.serve(
    f"{what}, PyTorch {torch.__version__}, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}",
    step,
)
