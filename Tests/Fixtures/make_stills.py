"""Writes stills/: small picture files of the kinds that readers get wrong, with their right values in stills.json.

python3 make_stills.py, with Pillow and numpy. Right values are Pillow's (ImageOps.exif_transpose, ImageCms), or follow from what was written.
quarters.heic, quarters.avif, animated.webp, display_p3.png and bmp_offset.bmp were made by other programs once and are kept as they are.
"""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

folder = Path(__file__).parent / "stills"
folder.mkdir(exist_ok=True)
right = {}


def corners(picture):
    """The colours of the quarters: upper left, upper right, lower left, lower right."""
    pixels = np.asarray(picture.convert("RGB"))
    height, width = pixels.shape[:2]
    places = [(height // 4, width // 4), (height // 4, width * 3 // 4), (height * 3 // 4, width // 4), (height * 3 // 4, width * 3 // 4)]
    return {"width": width, "height": height, "corners": [pixels[place].tolist() for place in places]}


quarters = Image.new("RGB", (24, 16))
for box, color in [((0, 0, 12, 8), "red"), ((12, 0, 24, 8), "lime"), ((0, 8, 12, 16), "blue"), ((12, 8, 24, 16), "yellow")]:
    quarters.paste(color, box)

# Orientation, wherever a format keeps it.
for value in range(1, 9):
    exif = Image.Exif()
    exif[274] = value
    for ending, options in [("jpg", {"quality": 95, "subsampling": 0}), ("webp", {"lossless": True}), ("png", {})]:
        name = f"orientation{value}.{ending}"
        quarters.save(folder / name, exif=exif, **options)
        right[name] = corners(ImageOps.exif_transpose(Image.open(folder / name)))
    name = f"orientation{value}.tif"
    quarters.save(folder / name, tiffinfo={274: value, 65000: "a tag of its own"}, compression="tiff_lzw")
    right[name] = corners(ImageOps.exif_transpose(Image.open(folder / name)))

# 16 bits by their full range.
ramp = np.array([[0, 65535], [32896, 257]], dtype=np.uint16).repeat(8, 0).repeat(8, 1)
for name in ["grey16.png", "grey16.tif"]:
    Image.fromarray(ramp).save(folder / name)
    right[name] = {"width": 16, "height": 16, "corners": [[0] * 3, [255] * 3, [128] * 3, [1] * 3]}


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth, color, rows, before=b"", after=b""):
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", data) + after + chunk(b"IEND", b"")


color16 = struct.pack(">3H", 65535, 32896, 0) * 4
(folder / "color16.png").write_bytes(png(4, 4, 16, 2, [color16] * 4))
right["color16.png"] = {"width": 4, "height": 4, "corners": [[255, 128, 0]] * 4}

# Broken ancillary chunks say nothing of the picture.
row = b"\xc8\x50\x3c" * 4
broken = chunk(b"iCCP", b"broken\0\0not a profile") + chunk(b"gAMA", b"\0\0") + chunk(b"tEXt", b"\xff") + chunk(b"eXIf", b"MM\0*\0\0\xff\xff")
(folder / "broken_chunks.png").write_bytes(png(4, 4, 8, 2, [row] * 4, before=broken))
right["broken_chunks.png"] = {"width": 4, "height": 4, "corners": [[200, 80, 60]] * 4}

# An animated PNG whose default image is none of the animation.
frame = struct.pack(">IIIIIHHBB", 0, 4, 4, 0, 0, 1, 10, 0, 0)
other = zlib.compress(b"".join(b"\0" + b"\0\0\xff" * 4 for _ in range(4)))
animation = chunk(b"acTL", struct.pack(">II", 1, 0))
frames = chunk(b"fcTL", frame) + chunk(b"fdAT", struct.pack(">I", 1) + other)
(folder / "animated.png").write_bytes(png(4, 4, 8, 2, [row] * 4, before=animation, after=frames))
right["animated.png"] = {"width": 4, "height": 4, "corners": [[200, 80, 60]] * 4}

quarters.save(folder / "quarters.gif", save_all=True, append_images=[ImageOps.invert(quarters)])
quarters.save(folder / "quarters.bmp")
quarters.quantize(4).save(folder / "palette.bmp")
for name in ["quarters.gif", "quarters.bmp", "palette.bmp"]:
    right[name] = corners(Image.open(folder / name))
# Opacity in a header that knows none.
header = struct.pack("<2sIHHI", b"BM", 70, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 32, 0, 16, 0, 0, 0, 0)
(folder / "no_opacity.bmp").write_bytes(header + b"\x3c\x50\xc8\0" * 4)
right["no_opacity.bmp"] = {"width": 2, "height": 2, "corners": [[200, 80, 60]] * 4}

kept = [[220, 30, 30], [30, 200, 30], [30, 30, 220], [240, 220, 40]]
for name in ["quarters.heic", "quarters.avif"]:
    right[name] = {"width": 160, "height": 120, "corners": kept}
right["bmp_offset.bmp"] = {"width": 64, "height": 64, "corners": kept}
right["animated.webp"] = {"width": 80, "height": 80, "corners": [[255, 0, 0]] * 4}
right["display_p3.png"] = {"width": 64, "height": 64, "corners": [[216, 69, 50]] * 4}

(folder / "stills.json").write_text(json.dumps(right, indent=1, sort_keys=True) + "\n")
print(f"{len(right)} files")
