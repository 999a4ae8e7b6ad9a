#!/usr/bin/env python3
"""Small pictures of every kind, written byte by byte after the specifications (PNG: W3C 2003; netpbm), and in
pictures.json what their pixels are: tests/golden/pictures. No library that reads or writes pictures takes part."""
import json
import os
import struct
import zlib

import numpy as np

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pictures")
rng = np.random.RandomState(5)
expected = {}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def filtered(rows, bpp):
    """Each row by another of the five filters."""
    out, before = b"", bytes(len(rows[0]))
    for y, row in enumerate(rows):
        how, line = y % 5, bytearray()
        for i, v in enumerate(row):
            a = row[i - bpp] if i >= bpp else 0
            b = before[i]
            c = before[i - bpp] if i >= bpp else 0
            p = a + b - c
            paeth = min((a, b, c), key=lambda q: (abs(p - q), (a, b, c).index(q)))
            line.append((v - (0, a, b, (a + b) // 2, paeth)[how]) % 256)
        out += bytes([how]) + bytes(line)
        before = row
    return out


def png(name, planes, kind, depth=8, palette=None, raw=None, extra=b""):
    """planes: channels x height x width, what is to be read."""
    height, width = planes.shape[1:]
    pixels = planes if raw is None else raw
    rows = []
    for y in range(height):
        values = pixels[:, y, :].T.reshape(-1)
        if depth == 16:
            rows.append(struct.pack(">%dH" % len(values), *[int(v) for v in values]))
        elif depth < 8:
            bits = "".join(format(int(v), "0%db" % depth) for v in values)
            bits += "0" * (-len(bits) % 8)
            rows.append(bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8)))
        else:
            rows.append(bytes(int(v) for v in values))
    bpp = max(1, pixels.shape[0] * depth // 8)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    if palette is not None:
        data += chunk(b"PLTE", bytes(int(v) for v in palette.reshape(-1)))
    data += extra + chunk(b"IDAT", zlib.compress(filtered(rows, bpp))) + chunk(b"IEND", b"")
    keep(name + ".png", data, planes)


def keep(name, data, planes):
    with open(os.path.join(here, name), "wb") as f:
        f.write(data)
    expected[name] = {"shape": list(planes.shape), "values": [int(v) for v in planes.reshape(-1)]}


def noise(*shape, top=256):
    return rng.randint(0, top, shape)


png("gray", noise(1, 7, 5), 0)
png("color", noise(3, 11, 6), 2)
png("gray_opacity", noise(2, 6, 5), 4)
png("color_opacity", noise(4, 6, 7), 6)
bits = noise(1, 6, 11, top=2)
png("bits", bits * 255, 0, 1, raw=bits)
four = noise(1, 5, 7, top=16)
png("gray4", four * 17, 0, 4, raw=four)
palette, index = noise(9, 3), noise(1, 6, 8, top=9)
png("palette", np.moveaxis(palette[index[0]], 2, 0), 3, palette=palette, raw=index)
deep = noise(3, 5, 4, top=256) * 257  # both bytes are the same: no rounding decides
png("deep", deep // 257, 2, 16, raw=deep)
see = np.concatenate([palette[index[0]].transpose(2, 0, 1), np.where(index == 0, 77, 255)])
png("palette_opacity", see, 3, palette=palette, raw=index, extra=chunk(b"tRNS", bytes([77])))

# of 16 bits and interlaced: only its header matters, since it is refused
with open(os.path.join(here, "interlaced16.bin"), "wb") as f:
    head = struct.pack(">IIBBBBB", 8, 8, 16, 0, 0, 0, 1)
    f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(300))) + chunk(b"IEND", b""))

small = noise(3, 4, 5)
flat = small.transpose(1, 2, 0).reshape(-1)
keep("color.ppm", b"P6 # a comment\n5\t4\n# another 9 9\n255\n" + bytes(int(v) for v in flat), small)
keep("text.ppm", ("P3\n5 4\n255\n" + "\n".join(str(v) for v in flat) + "\n").encode(), small)
hundred = noise(1, 3, 4, top=101)
keep("hundred.pgm", b"P5\n4 3\n100\n" + bytes(int(v) for v in hundred.reshape(-1)), (hundred * 255 + 50) // 100)
keep("text.pgm", ("P2 4 3 100 " + " ".join(str(v) for v in hundred.reshape(-1))).encode(), (hundred * 255 + 50) // 100)
wide = noise(1, 3, 4, top=256) * 257
keep("wide.pgm", b"P5\n4 3\n65535\n" + struct.pack(">12H", *[int(v) for v in wide.reshape(-1)]), wide // 257)

with open(os.path.join(os.path.dirname(here), "pictures.json"), "w") as f:
    json.dump(expected, f, separators=(",", ":"), sort_keys=True)
    f.write("\n")
print(len(expected), "pictures")
