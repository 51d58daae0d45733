#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same memory in every format: formats.py COMPARE DUMP [--keep DIR]

DUMP (kdump-compressed with zlib) is written anew as ELF (sorted and not, with many headers, without notes), raw memory, LiME,
kdump without compression, with blocks of 64 KB and big-endian, in three parts, and flattened; COMPARE must find the same bytes.
"""
import os, random, shutil, struct, subprocess, sys, tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz"))
sys.dont_write_bytecode = True
from hostile import Kdump


def runs_of(pages):
    runs = []
    for pfn in sorted(pages):
        if not runs or runs[-1][0] + runs[-1][1] != pfn:
            runs.append([pfn, 0])
        runs[-1][1] += 1
    return runs


def elf(pages, split=0, shuffle=False, xnum=False):
    """split: at most so many pages a segment."""
    runs = []
    for pfn, count in runs_of(pages):
        step = split or count
        runs += [(p, min(step, pfn + count - p)) for p in range(pfn, pfn + count, step)]
    if shuffle:
        random.Random(1).shuffle(runs)
    xnum |= len(runs) >= 0xffff
    base = (64 + 56 * len(runs) + 64 + 4095) & ~4095
    out = [struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1" + bytes(9), 4, 62, 1, 0, 64, 64 + 56 * len(runs) if xnum else 0, 0,
                       64, 56, 0xffff if xnum else len(runs), 64 if xnum else 0, 1 if xnum else 0, 0)]
    at = base
    for pfn, count in runs:
        out.append(struct.pack("<IIQQQQQQ", 1, 7, at, 0, pfn << 12, count << 12, count << 12, 0))
        at += count << 12
    out.append(struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, len(runs), 0, 0))
    head = b"".join(out)
    return head.ljust(base, b"\0") + b"".join(pages[p] for pfn, count in runs for p in range(pfn, pfn + count))


def kdump(pages, max_pfn, block=4096, order="<", split=None):
    """Pages as they are. split: (start, end) of page frames."""
    per = block // 4096
    blocks = {}
    for pfn, page in pages.items():
        blocks.setdefault(pfn // per, bytearray(block))[pfn % per * 4096:pfn % per * 4096 + 4096] = page
    frames = (max_pfn + per - 1) // per
    half = ((frames + 7) // 8 + block - 1) // block
    bitmap = bytearray(half * block)
    for b in blocks:
        bitmap[b // 8] |= 1 << b % 8
    names = b"".join(n.encode().ljust(65, b"\0") for n in ("Linux", "node", "6.0", "#1", "x86_64" if order == "<" else "s390x", "d"))
    head = bytearray(block * 2)
    head[:402] = b"KDUMP   " + struct.pack(order + "I", 6) + names
    struct.pack_into(order + "QQIIIII", head, 408, 1, 0, 0, block, 1, 2 * half, 0xffffffff)
    struct.pack_into(order + "QIIQQ", head, block, 0, 0, bool(split), 0, 0)
    start, end = split or (0, frames)
    struct.pack_into(order + "QQQ", head, block + 80, start, end, frames)
    inside = sorted(b for b in blocks if start <= b < end)
    data = (2 + 2 * half) * block + 24 * len(inside)
    descs = b"".join(struct.pack(order + "QIIQ", data + i * block, block, 0, 0) for i in range(len(inside)))
    return bytes(head) + bytes(bitmap) * 2 + descs + b"".join(bytes(blocks[b]) for b in inside)


def lime(pages, padded=False):
    out, at = [], 0
    for pfn, count in runs_of(pages):
        if padded:
            out.append(bytes((pfn << 12) - at))
        else:
            out.append(struct.pack("<IIQQQ", 0x4c694d45, 1, pfn << 12, ((pfn + count) << 12) - 1, 0))
        out += [pages[p] for p in range(pfn, pfn + count)]
        at = (pfn + count) << 12
    return b"".join(out)


def flat(plain, step):
    """Blocks in disorder; one is written twice, the second time right."""
    out = [b"makedumpfile".ljust(16, b"\0") + struct.pack(">QQ", 1, 1) + bytes(4096 - 32)]
    blocks = [(a, plain[a:a + step]) for a in range(0, len(plain), step)]
    random.Random(2).shuffle(blocks)
    blocks.insert(0, (blocks[-1][0], b"x" * 100))
    out += [struct.pack(">QQ", a, len(b)) + b for a, b in blocks]
    return b"".join(out) + struct.pack(">QQ", (1 << 64) - 1, (1 << 64) - 1)


def main():
    words = sys.argv[1:]
    keep = words[words.index("--keep") + 1] if "--keep" in words else None
    folder = keep or tempfile.mkdtemp(prefix="kanalyze-formats-")
    dump = Kdump(open(words[1], "rb").read())
    pages = {pfn: bytes(dump.page(n)) for n, pfn in enumerate(dump.pfns)}
    third = dump.max_pfn // 3
    plain = elf(pages)
    files = {
        "elf": plain, "elf-shuffled": elf(pages, split=3, shuffle=True), "elf-xnum": elf(pages, split=1, xnum=True),
        "lime": lime(pages), "raw": lime(pages, True), "kdump": kdump(pages, dump.max_pfn),
        "kdump-64k": kdump(pages, dump.max_pfn, 65536), "kdump-big-endian": kdump(pages, dump.max_pfn, order=">"),
        "elf-flat": flat(plain, 30000), "kdump-flat": flat(kdump(pages, dump.max_pfn), 70001),
    }
    for i in range(3):
        files["part%d" % i] = kdump(pages, dump.max_pfn, split=(i * third, (i + 1) * third if i < 2 else dump.max_pfn))
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
    paths = [os.path.join(folder, n) for n in files if not n.startswith("part")]
    paths = [p + "@0" if p.endswith("/raw") else p for p in paths]
    paths.append(",".join(os.path.join(folder, "part%d" % i) for i in (2, 0, 1)))
    status = subprocess.run([words[0], "-n", "0", words[1]] + paths).returncode
    if status == 0:
        status = subprocess.run([words[0], "-n", "3000", words[1]] + paths, stdout=subprocess.DEVNULL).returncode
    if not keep:
        shutil.rmtree(folder)
    return status


if __name__ == "__main__":
    sys.exit(main())
