#!/usr/bin/python3
"""Makes tests/golden/npy: small files as NumPy writes them, in every dtype and order that we read."""
import os

import numpy as np

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "npy")
os.makedirs(here, exist_ok=True)
base = np.arange(6).reshape(2, 3)
names = {}
for code in ("|b1", "|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8",
             ">u2", ">i2", ">u4", ">i4", ">u8", ">i8", ">f2", ">f4", ">f8"):
    a = (base - 2 if code[1] in "if" else base).astype(code)
    name = code.replace("<", "little_").replace(">", "big_").replace("|", "")
    np.save(os.path.join(here, name + ".npy"), a)
np.save(os.path.join(here, "fortran.npy"), np.asfortranarray(np.arange(24).reshape(2, 3, 4).astype("<f8")))
np.save(os.path.join(here, "scalar.npy"), np.float32(2.5))
np.save(os.path.join(here, "empty.npy"), np.zeros((0, 3), "<f4"))
np.save(os.path.join(here, "vector.npy"), np.array([1.0, np.inf, -np.inf, np.nan, 1e-40], "<f4"))
np.save(os.path.join(here, "halves.npy"), np.array([0, -0.0, 1, 65504, 6e-8, 6.1e-5, np.inf, np.nan, 0.1], "<f2"))
with open(os.path.join(here, "version2.npy"), "wb") as f:
    np.lib.format.write_array(f, base.astype("<f4"), version=(2, 0))
np.savez(os.path.join(here, "stored.npz"), weight=base.astype("<f4"), bias=np.arange(3, dtype=">f8"))
np.savez_compressed(os.path.join(here, "deflated.npz"), big=np.zeros((100, 50), "<f4"), small=np.int64(7))
