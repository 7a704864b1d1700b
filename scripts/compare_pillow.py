"""Compares Rain's readings of pictures with Pillow's: compare_pillow.py RAIN IMAGES SEEN. Called by compare-pillow.

Pillow's reading is turned as the file says (ImageOps.exif_transpose) and brought to sRGB by the file's profile (ImageCms). CMYK, Lab and
measured values (modes F and I) without a profile are left out: Pillow brings them to RGB by rules of thumb.
"""

import collections
import io
import json
import os
import shutil
import subprocess
import sys
import time
import warnings

import numpy as np
from PIL import Image, ImageCms, ImageOps

warnings.simplefilter("ignore")
rain, images, seen = sys.argv[1:]
# Means and ninety-nine in a hundred pixels, of 255.
MEAN, MOST = 2, 26


def kind(start):
    for name, marks in {
        "PNG": [b"\x89PNG\r\n\x1a\n"], "JPEG": [b"\xff\xd8\xff"], "GIF": [b"GIF87a", b"GIF89a"], "BMP": [b"BM"],
        "TIFF": [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"], "PNM": [b"P%d%c" % (n, c) for n in range(1, 7) for c in b"\t\n\r #"],
    }.items():
        if any(start.startswith(mark) for mark in marks):
            return name
    return "WebP" if start[:4] == b"RIFF" and start[8:12] == b"WEBP" else None


def pillow(path):
    picture = Image.open(path)
    picture.load()
    mode, profile = picture.mode, picture.info.get("icc_profile")
    wide = mode.startswith("I;16") or (mode == "I" and picture.format in ("PNG", "PPM"))
    if (mode in ("CMYK", "LAB", "F") and not profile) or (mode == "I" and not wide):
        return None
    picture = ImageOps.exif_transpose(picture)
    if wide:
        picture = Image.fromarray(np.clip(np.asarray(picture).astype(float) / 257, 0, 255).astype("uint8"))
    elif profile and mode in ("RGB", "L", "RGBA", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            out = "RGBA" if mode == "RGBA" else "RGB"
            picture = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), renderingIntent=1, outputMode=out)
        except (ImageCms.PyCMSError, OSError):
            pass
    return np.asarray(picture.convert("RGBA"))


def on_white(pixels):
    alpha = pixels[..., 3:].astype(float) / 255
    return pixels[..., :3] * alpha + 255 * (1 - alpha)


shutil.rmtree(seen, ignore_errors=True)
os.makedirs(seen)
counts = collections.defaultdict(collections.Counter)
slowest = (0, "")
for folder, _, names in sorted(os.walk(images)):
    for name in sorted(names):
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            format = kind(file.read(16))
        if not format:
            continue
        try:
            wanted = pillow(path)
            if wanted is None:
                counts[format]["left out"] += 1
                continue
        except Exception:
            wanted = None
        start = time.monotonic()
        try:
            done = subprocess.run([rain, "picture", path, "--output", seen, "--json"], capture_output=True, timeout=60)
            slowest = max(slowest, (time.monotonic() - start, path))
        except subprocess.TimeoutExpired:
            print(f"{path}: HANGS")
            counts[format]["hangs"] += 1
            continue
        if done.returncode not in (0, 1):
            print(f"{path}: CRASHES: {done.stderr[-200:]}")
            counts[format]["crashes"] += 1
            continue
        if done.stderr:
            print(f"{path}: says {done.stderr[:200]}")
        found = None
        if done.returncode == 0:
            found = np.asarray(Image.open(os.path.join(seen, name + ".png")).convert("RGBA"))
        if wanted is None or found is None:
            word = "both refuse" if wanted is found is None else "Rain alone reads" if wanted is None else "Rain alone refuses"
        elif wanted.shape != found.shape:
            word = "differ"
        else:
            difference = np.abs(on_white(wanted) - on_white(found))
            word = "agree" if difference.mean() <= MEAN and np.percentile(difference, 99) <= MOST else "differ"
        counts[format][word] += 1
        if word in ("differ", "Rain alone refuses", "Rain alone reads"):
            reason = json.loads(done.stdout)[0].get("error", "") if done.returncode else ""
            print(f"{os.path.relpath(path, images)}: {word}{'; ' + reason.split(': ', 1)[-1] if reason else ''}")
for format, words in sorted(counts.items()):
    read = sum(words[word] for word in ("agree", "differ", "Rain alone refuses", "hangs", "crashes"))
    share = 100 * words["agree"] / max(read, 1)
    print(f"{format}: of {read} that Pillow reads {share:.1f} % agree; " + ", ".join(f"{word} {count}" for word, count in sorted(words.items())))
print(f"slowest: {slowest[0]:.1f} s, {os.path.relpath(slowest[1], images)}")
