"""PyTorch's side of `rain benchmark train --peer`: one step of training rain-mini, forwards, backwards and the update.

    python3 -m venv peers && peers/bin/pip install torch==2.4.1 numpy==1.26.4 safetensors
    rain benchmark train --peer "peers/bin/python3 Benchmarks/peers/train.py"

The network is built from Models/rain-mini/model.json and takes Models/rain-mini's weights, every one of them by its name, so it is the same
network; --flops has PyTorch count its operations, to be held against what `rain benchmark train` prints. It is written as PyTorch is
fastest with it: pictures in channels_last (or --layout contiguous), scaled_dot_product_attention, AdamW fused, clipping and average over
all parameters at once; --compile runs it through torch.compile. Inputs are random, float32.

Arguments added by the caller: stage (frames or clips), characters, frames of each, threads, instruction set. Protocol: a line about itself
when ready, then the seconds of one step for every line read.
"""

import argparse
import json
import math
import pathlib
import sys

import timed

parser = argparse.ArgumentParser()
parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path(__file__).parents[2] / "Models/rain-mini")
parser.add_argument("--layout", choices=["channels_last", "contiguous"], default="channels_last")
parser.add_argument("--compile", action="store_true")
parser.add_argument("--flops", action="store_true", help="count the operations of one step, print them and stop")
parser.add_argument("stage", choices=["frames", "clips"])
parser.add_argument("characters", type=int)
parser.add_argument("frames", type=int)
timed.add_arguments(parser)
arguments = parser.parse_args()

timed.prepare(arguments)

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(arguments.threads)
torch.manual_seed(0)
with open(arguments.model / "model.json") as file:
    model = json.load(file)
layout = torch.channels_last if arguments.layout == "channels_last" else torch.contiguous_format


def tokens(x):
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def planes(x, like):
    n, c, h, w = like.shape
    return x.reshape(n, h, w, c).permute(0, 3, 1, 2)


class Attention(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels, bias=False) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def split(self, x):
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, reference=None):
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        if reference is not None:
            times = x.shape[0] // reference.shape[0]
            k = torch.cat([k, self.to_k(reference).repeat_interleave(times, 0)], 1)
            v = torch.cat([v, self.to_v(reference).repeat_interleave(times, 0)], 1)
        y = F.scaled_dot_product_attention(self.split(q), self.split(k), self.split(v))
        return self.to_out[0](y.transpose(1, 2).flatten(2))


class Gated(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.proj = nn.Linear(channels, 2 * inner)

    def forward(self, x):
        a, gate = self.proj(x).chunk(2, -1)
        return a * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, channels, multiplier):
        super().__init__()
        self.net = nn.ModuleList([Gated(channels, multiplier * channels), nn.Identity(), nn.Linear(multiplier * channels, channels)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class Resnet(nn.Module):
    def __init__(self, c, inside, outside):
        super().__init__()
        self.norm1 = nn.GroupNorm(c["norm_num_groups"], inside, c["norm_eps"])
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
        self.time_emb_proj = nn.Linear(4 * c["block_out_channels"][0], outside)
        self.norm2 = nn.GroupNorm(c["norm_num_groups"], outside, c["norm_eps"])
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
        if inside != outside:
            self.conv_shortcut = nn.Conv2d(inside, outside, 1)

    def forward(self, x, time):
        y = self.conv1(F.silu(self.norm1(x)))
        t = self.time_emb_proj(F.silu(time))
        y = y + t.repeat(x.shape[0] // t.shape[0], 1)[:, :, None, None]
        y = self.conv2(F.silu(self.norm2(y)))
        return y + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)


class SpatialBlock(nn.Module):
    def __init__(self, c, channels, heads):
        super().__init__()
        self.norm1, self.norm3 = (nn.LayerNorm(channels, c["layer_norm_eps"]) for _ in range(2))
        self.attn1 = Attention(channels, heads)
        self.ff = FeedForward(channels, c["feed_forward_multiplier"])


class Spatial(nn.Module):
    def __init__(self, c, level):
        super().__init__()
        channels = c["block_out_channels"][level]
        self.norm = nn.GroupNorm(c["norm_num_groups"], channels, c["spatial_transformer_norm_eps"])
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([SpatialBlock(c, channels, c["attention_head_dim"][level])])
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x, banks, reference):
        block = self.transformer_blocks[0]
        y = tokens(self.proj_in(self.norm(x)))
        normed = block.norm1(y)
        if reference is None:
            banks.append(normed)
        y = y + block.attn1(normed, reference)
        y = y + block.ff(block.norm3(y))
        return x + self.proj_out(planes(y, x))


class MotionBlock(nn.Module):
    def __init__(self, m, c, channels, heads):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(channels, c["layer_norm_eps"]) for _ in range(m["attention_blocks"]))
        self.attention_blocks = nn.ModuleList(Attention(channels, heads) for _ in range(m["attention_blocks"]))
        self.ff_norm = nn.LayerNorm(channels, c["layer_norm_eps"])
        self.ff = FeedForward(channels, c["feed_forward_multiplier"])
        rates = torch.exp(torch.arange(0, channels, 2) * (-math.log(10000.0) / channels))
        angles = torch.arange(m["max_len"])[:, None] * rates
        self.register_buffer("positions", torch.stack([angles.sin(), angles.cos()], 2).flatten(1), persistent=False)

    def forward(self, x):
        for norm, attention in zip(self.norms, self.attention_blocks):
            x = x + attention(norm(x) + self.positions[: x.shape[1]])
        return x + self.ff(self.ff_norm(x))


class Temporal(nn.Module):
    def __init__(self, m, c, level):
        super().__init__()
        channels = c["block_out_channels"][level]
        self.norm = nn.GroupNorm(m["norm_num_groups"], channels, m["norm_eps"])
        self.proj_in, self.proj_out = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList(
            MotionBlock(m, c, channels, m["heads"][level]) for _ in range(m["transformer_blocks"])
        )

    def forward(self, x, frames):
        n, c, h, w = x.shape
        y = self.norm(x).permute(0, 2, 3, 1).reshape(n // frames, frames, h * w, c).transpose(1, 2).flatten(0, 1)
        y = self.proj_in(y)
        for block in self.transformer_blocks:
            y = block(y)
        y = self.proj_out(y).unflatten(0, (n // frames, h * w)).transpose(1, 2)
        return x + y.reshape(n, h, w, c).permute(0, 3, 1, 2)


class Motion(nn.Module):
    def __init__(self, m, c, level):
        super().__init__()
        self.temporal_transformer = Temporal(m, c, level)

    def forward(self, x, frames):
        return self.temporal_transformer(x, frames)


class Block(nn.Module):
    def __init__(self, c, level, widths, sampler=None):
        super().__init__()
        channels = c["block_out_channels"][level]
        self.resnets = nn.ModuleList(Resnet(c, inside, channels) for inside in widths)
        attentions = 1 if sampler == "middle" else len(widths)
        self.attentions = nn.ModuleList(Spatial(c, level) for _ in range(attentions))
        if motion := c.get("motion_module"):
            self.motion_modules = nn.ModuleList(Motion(motion, c, level) for _ in range(attentions))
        if sampler in ("downsamplers", "upsamplers"):
            holder = nn.Module()
            holder.conv = nn.Conv2d(channels, channels, 3, stride=2 if sampler == "downsamplers" else 1, padding=1)
            setattr(self, sampler, nn.ModuleList([holder]))

    def layer(self, index, x, pass_):
        x = self.resnets[index](x, pass_.time)
        if index < len(self.attentions):
            x = self.attentions[index](x, pass_.banks, pass_.references.pop(0) if pass_.references else None)
            if pass_.motion:
                x = self.motion_modules[index](x, pass_.frames)
        return x


class Pass:
    def __init__(self, time, references, frames, motion):
        self.time, self.references, self.frames, self.motion, self.banks = time, list(references), frames, motion, []


class UNet(nn.Module):
    """One class for both networks: banks are what the reference network returns."""

    def __init__(self, c, denoises):
        super().__init__()
        widths, per = c["block_out_channels"], c["layers_per_block"]
        self.denoises, self.first = denoises, widths[0]
        self.conv_in = nn.Conv2d(c["in_channels"], widths[0], 3, padding=1)
        self.position_embedding = nn.Parameter(torch.zeros(1, *c["position_embedding"], widths[0]))
        self.time_embedding = nn.Module()
        self.time_embedding.linear_1 = nn.Linear(widths[0], 4 * widths[0])
        self.time_embedding.linear_2 = nn.Linear(4 * widths[0], 4 * widths[0])
        skips, last = [widths[0]], widths[0]
        self.down_blocks, self.up_blocks = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            deepest = level == len(widths) - 1
            self.down_blocks.append(Block(c, level, [last] + [width] * (per - 1), None if deepest else "downsamplers"))
            skips += [width] * per + ([] if deepest else [width])
            last = width
        self.mid_block = Block(c, len(widths) - 1, [last, last], "middle")
        for level in reversed(range(len(widths))):
            inputs = []
            for _ in range(per + 1):
                inputs.append(last + skips.pop())
                last = widths[level]
            self.up_blocks.append(Block(c, level, inputs, "upsamplers" if level else None))
        if denoises:
            self.conv_norm_out = nn.GroupNorm(c["norm_num_groups"], widths[0], c["norm_eps"])
            self.conv_out = nn.Conv2d(widths[0], c["out_channels"], 3, padding=1)

    def forward(self, sample, timesteps, pose=None, references=(), frames=1, motion=False):
        half = self.first // 2
        angles = timesteps[:, None] * torch.exp(torch.arange(half) * (-math.log(10000.0) / half))
        time = self.time_embedding.linear_1(torch.cat([angles.cos(), angles.sin()], 1))
        pass_ = Pass(self.time_embedding.linear_2(F.silu(time)), references, frames, motion)
        x = self.conv_in(sample) + self.position_embedding.permute(0, 3, 1, 2)
        if pose is not None:
            x = x + pose
        skips = [x]
        for block in self.down_blocks:
            for index in range(len(block.resnets)):
                x = block.layer(index, x, pass_)
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0].conv(x)
                skips.append(x)
        x = self.mid_block.layer(0, x, pass_)
        x = self.mid_block.layer(1, x, pass_)
        for block in self.up_blocks:
            for index in range(len(block.resnets)):
                x = block.layer(index, torch.cat([x, skips.pop()], 1), pass_)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0].conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        if not self.denoises:
            return pass_.banks
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class PoseGuider(nn.Module):
    def __init__(self, c):
        super().__init__()
        widths, self.patch = c["block_out_channels"], c["patch_size"]
        self.conv_in = nn.Conv2d(c["conditioning_channels"] * self.patch**2, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for this, following in zip(widths, widths[1:]):
            self.blocks += [nn.Conv2d(this, this, 3, padding=1), nn.Conv2d(this, following, 3, stride=2, padding=1)]
        self.conv_out = nn.Conv2d(widths[-1], c["conditioning_embedding_channels"], 3, padding=1)

    def forward(self, pictures):
        n, c, h, w = pictures.shape
        p = self.patch
        x = pictures.reshape(n, c, h // p, p, w // p, p).permute(0, 3, 5, 1, 2, 4).reshape(n, p * p * c, h // p, w // p)
        x = F.silu(self.conv_in(x.contiguous(memory_format=layout)))
        for block in self.blocks:
            x = F.silu(block(x))
        return self.conv_out(x)


class Networks(nn.Module):
    def __init__(self):
        super().__init__()
        self.reference_unet = UNet(model["reference_unet"], False)
        self.denoising_unet = UNet(model["denoising_unet"], True)
        self.pose_guider = PoseGuider(model["pose_guider"])

    def forward(self, sample, pose, reference, timesteps):
        banks = self.reference_unet(reference, torch.zeros(1))
        return self.denoising_unet(
            sample, timesteps, self.pose_guider(pose), banks, arguments.frames, arguments.stage == "clips"
        )


def loaded():
    networks = Networks()
    weights = {name: value.float() for name, value in load_file(next(arguments.model.glob("*.safetensors"))).items()}
    weights = {name: value for name, value in weights.items() if not name.startswith("autoencoder.")}
    result = networks.load_state_dict(weights, strict=False)
    # The reference network's last layers, after its last bank, are in no file: nothing uses them.
    missing = [name for name in result.missing_keys if not name.startswith("reference_unet.up_blocks.2.attentions.1.")]
    if missing or result.unexpected_keys:
        sys.exit(f"{arguments.model}: not this network: without {missing[:3]}, with {result.unexpected_keys[:3]}")
    for name, parameter in networks.named_parameters():
        if name in result.missing_keys or (arguments.stage == "frames" and ".motion_modules." in name):
            parameter.requires_grad_(False)
    return networks.to(memory_format=layout)


networks = loaded()
trained = [parameter for parameter in networks.parameters() if parameter.requires_grad]
side, count = model["latent_size"], arguments.characters * arguments.frames
channels, picture = model["latent_channels"], model["pose_picture"]["size"]


def random(*shape):
    return torch.randn(*shape).contiguous(memory_format=layout)


levels = model["window"]["levels"]
if arguments.stage == "clips":
    timesteps = torch.tensor([249.0 + 250 * (frame * levels // arguments.frames) for frame in range(arguments.frames)])
else:
    timesteps = torch.tensor([249.0 + 250 * (sample % levels) for sample in range(count)])
inputs = [random(count, channels, side, side), random(count, 3, picture, picture), random(arguments.characters, channels, side, side)]
target, weight, scale = random(count, channels, side, side), random(count, 1, side, side).abs(), torch.ones(1, channels, 1, 1)
optimizer = torch.optim.AdamW(trained, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
averages = [parameter.detach().clone() for parameter in trained]
forward = torch.compile(networks) if arguments.compile else networks


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = ((forward(*inputs, timesteps) - target).square() * scale * weight).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0, foreach=True)
    optimizer.step()
    torch._foreach_lerp_(averages, trained, 0.001)
    return loss.item()


if arguments.flops:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        step()
    sys.exit(f"{counter.get_total_flops() / 1e9:.1f} GFLOP")
for _ in range(2):
    step()
timed.serve(
    f"PyTorch {torch.__version__}, {arguments.layout}{', compiled' if arguments.compile else ''}, {torch.get_num_threads()} threads, "
    f"{torch.backends.cpu.get_cpu_capability()}, {sum(parameter.numel() for parameter in trained) / 1e6:.2f} M parameters trained",
    step,
)
