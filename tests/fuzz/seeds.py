#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Seeds of the fuzzers, from the bundled dump: seeds.py KANALYZE BUNDLE DIR makes DIR/NAME/ for each fuzzer."""
import os, random, re, shutil, struct, subprocess, sys, tempfile
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "image"), HERE]
sys.dont_write_bytecode = True
import formats
from hostile import Kdump

TYPES = [["list_head"], ["timespec64", "path"], ["rb_root_cached", "hrtimer"], ["qstr", "kref", "wait_queue_entry"], ["pt_regs"], ["xarray"], ["vm_struct"], ["kernel_siginfo"]]


def sections(path):
    data = open(path, "rb").read()
    at, = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    rows = [struct.unpack_from("<IIQQQQ", data, at + i * size) for i in range(count)]
    strings = data[rows[names][4]:rows[names][4] + rows[names][5]]
    return {strings[r[0]:strings.index(b"\0", r[0])].decode(): data[r[4]:r[4] + r[5]] for r in rows if r[1] != 8}


class Btf:
    """Types of a .BTF section, and a small .BTF of some of them with all that they need."""
    # kind: bytes behind the twelve that all have, by vlen; where type numbers are among them
    EXTRA = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0), 15: (0, 12), 17: (4, 0), 19: (0, 12)}

    def __init__(self, data):
        head, types_at, types_size, names_at, names_size = struct.unpack_from("<IIIII", data, 4)
        self.names = data[head + names_at:head + names_at + names_size]
        self.types, at, end = [b""], head + types_at, head + types_at + types_size
        while at < end:
            info, = struct.unpack_from("<I", data, at + 4)
            fixed, each = self.EXTRA.get(info >> 24 & 31, (0, 0))
            size = 12 + fixed + each * (info & 0xffff)
            self.types.append(data[at:at + size])
            at += size

    def name(self, offset):
        return self.names[offset:self.names.index(b"\0", offset)]

    def references(self, i):
        """(offset in the type's bytes) of each type number."""
        kind, count = self.types[i][7] & 31, struct.unpack_from("<H", self.types[i], 4)[0]
        if kind in (2, 8, 9, 10, 11, 12, 13, 14, 17, 18):
            yield 8
        if kind == 3:
            yield from (12, 16)
        if kind in (4, 5):
            yield from (12 + 12 * n + 4 for n in range(count))
        if kind == 13:
            yield from (12 + 8 * n + 4 for n in range(count))
        if kind == 15:
            yield from (12 + 12 * n for n in range(count))

    def names_of(self, i):
        kind, count = self.types[i][7] & 31, struct.unpack_from("<H", self.types[i], 4)[0]
        yield 0
        step = {4: 12, 5: 12, 6: 8, 13: 8, 19: 12}.get(kind)
        yield from (12 + step * n for n in range(count) if step)

    def small(self, roots, limit=90):
        wanted = [i for i, t in enumerate(self.types) if i and t[7] & 31 in (4, 5) and self.name(struct.unpack_from("<I", t, 0)[0]).decode() in roots]
        order, seen = [], set()
        while wanted:
            i = wanted.pop(0)
            if not i or i in seen:
                continue
            seen.add(i)
            order.append(i)
            wanted += [struct.unpack_from("<I", self.types[i], at)[0] for at in self.references(i)]
        order = order[:limit]
        number, names, out = {old: new + 1 for new, old in enumerate(order)}, bytearray(b"\0"), b""
        for i in order:
            t = bytearray(self.types[i])
            for at in self.references(i):
                struct.pack_into("<I", t, at, number.get(struct.unpack_from("<I", t, at)[0], 0))
            for at in self.names_of(i):
                text = self.name(struct.unpack_from("<I", t, at)[0])
                struct.pack_into("<I", t, at, len(names) if text else 0)
                names += text + b"\0" if text else b""
            out += t
        return struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(out), len(out), len(names)) + out + bytes(names)


def units(info):
    at = 0
    while at + 12 < len(info):
        length, version = struct.unpack_from("<IH", info, at)
        abbrev = struct.unpack_from("<I", info, at + (8 if version >= 5 else 6))[0]
        yield at, length + 4, abbrev, version
        at += length + 4


def dwarf(s):
    """Small units, with their abbreviations and the start of the strings."""
    all_units = list(units(s[".debug_info"]))
    bounds = sorted({u[2] for u in all_units} | {len(s[".debug_abbrev"])})
    for at, size, abbrev, version in sorted(all_units, key=lambda u: u[1])[:400:40]:
        end = bounds[bounds.index(abbrev) + 1]
        if size > 3000 or end - abbrev > 3000:
            continue
        unit = bytearray(s[".debug_info"][at:at + size])
        struct.pack_into("<I", unit, 8 if version >= 5 else 6, 0)
        yield struct.pack("<HH", size, end - abbrev) + bytes(unit) + s[".debug_abbrev"][abbrev:end] + s[".debug_str"][:512]


def index(data):
    """Every 200th entry and the first units of an index of names, under the key that the fuzzer asks for."""
    entry_count, unit_count = struct.unpack_from("<II", data, 44)
    entries_at, units_at = 120, 120 + 16 * entry_count
    strings_at = units_at + 24 * unit_count
    strings, known = bytearray(b"\0"), {0: 0}

    def string(old):
        if old not in known:
            known[old] = len(strings)
            strings.extend(data[strings_at + old:data.index(b"\0", strings_at + old) + 1])
        return known[old]

    entries = [struct.unpack_from("<IIII", data, entries_at + 16 * i) for i in range(0, entry_count, max(1, entry_count // 50))]
    units = [struct.unpack_from("<IIIIQ", data, units_at + 24 * i) for i in range(min(unit_count, 6))]
    body = b"".join(struct.pack("<IIII", e[0], string(e[1]), *e[2:]) for e in entries)
    body += b"".join(struct.pack("<IIIIQ", u[0], string(u[1]), string(u[2]), *u[3:]) for u in units)
    head = struct.pack("<8sIIQQQIIII64s", b"kaindex\n", struct.unpack_from("<I", data, 8)[0], 0x01020304, 120 + len(body) + len(strings), 0, 8, 4,
                       len(entries), len(units), len(strings), bytes([1, 2, 3, 4]))
    return head + body + bytes(strings)


def main():
    kanalyze, bundle, to = (os.path.abspath(w) for w in sys.argv[1:4])
    rng = random.Random(1)
    shutil.rmtree(to, ignore_errors=True)

    def put(fuzzer, *seeds):
        folder = os.path.join(to, fuzzer)
        os.makedirs(folder, exist_ok=True)
        for seed in seeds:
            open(os.path.join(folder, "seed%03d" % len(os.listdir(folder))), "wb").write(seed)

    vmlinux = sections(os.path.join(bundle, "vmlinux"))
    btf = Btf(vmlinux[".BTF"])
    for roots in TYPES:
        small = btf.small(roots)
        put("btf", b"\0" + small)
        put("value", b"\0" + small, b"\x2e" + small)
    split = sections(os.path.join(bundle, "ktgt.ko"))[".BTF"]
    base = btf.small(["list_head"])
    put("btf", bytes([max(1, min(63, 64 * len(base) // (len(base) + len(split))))]) + base + split)

    lines = [l.split(":", 1)[1].strip() for l in open(os.path.join(HERE, "..", "golden", "cases")) if ":" in l and not l.startswith("#")]
    put("line", *(l.encode() for l in lines[::8]))
    for l in lines:
        m = re.match(r"(?:p|px|pd|eval|rd|struct|list|tree|dis|foreach --where|ps --where) (.*)", l)
        if m:
            put("expr", bytes([rng.randrange(32)]) + m.group(1).strip("'\"").encode())
    put("template", *(t.encode() + b"\0bytes \xff\x1b[31m" for t in ("{i:5} {a:016}  {s}", "{s?[%]}{f:.2}{c}", "PID: {i:<7} {a} \"{c}\" {b?yes}", "{{x}} {i:x}")))
    put("dwarf", *dwarf(vmlinux))
    locations = vmlinux[".debug_loclists"]
    put("dwarf_expr", *(bytes([how]) + locations[at:at + 48] for how in (0, 1, 5, 45) for at in range(0x40, 0x4000, 0x800)))
    put("dwarf_expr", b"\1\x91\x68", b"\1\x70\0\x9f", b"\1\x50\x93\4\x51\x93\4", b"\1\xa3\1\x55\x9f", b"\1\x9c\x23\x10\x06", b"\0\x08\x20\x31\x22\x9f")
    env = dict(os.environ, XDG_CACHE_HOME=os.path.join(to, ".cache"))
    subprocess.run([kanalyze, "--no-rc", "-c", "p jiffies_64", "-c", "line vfs_read", "-c", "whatis vfs_read", os.path.join(bundle, "vmlinux"), os.path.join(bundle, "sysrq.vmcore")],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    for folder, _, names in os.walk(env["XDG_CACHE_HOME"]):
        for name in names:
            put("index", index(open(os.path.join(folder, name), "rb").read()))
    put("index", b"")

    with tempfile.TemporaryDirectory() as folder:
        for n, options in enumerate((["-gdwarf-4"], ["-gdwarf-5", "-ffunction-sections"])):
            path = os.path.join(folder, "o%d" % n)
            subprocess.run(os.environ.get("CC", "cc").split() + ["-O2"] + options + ["-c", os.path.join(HERE, "..", "unit", "inlines_fixture.c"), "-o", path], check=True)
            put("inlines", open(path, "rb").read())

    dump = open(os.path.join(bundle, "sysrq.vmcore"), "rb").read()
    kdump = Kdump(dump)
    pages = {n + 5: kdump.page(i) for n, i in enumerate((0, 1, len(kdump.pfns) // 2))}
    pages[12] = bytes(4096)
    whole = formats.kdump(pages, 16)
    put("image", formats.elf(pages), formats.elf(pages, split=1), whole, formats.kdump(pages, 16, order=">"), formats.lime(pages), dump[:16384],
        formats.flat(whole, 3000))
    print(" ".join("%s %d" % (f, len(os.listdir(os.path.join(to, f)))) for f in sorted(os.listdir(to)) if not f.startswith(".")))
    return 0


sys.exit(main())
