#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damaged dumps: the program must neither crash nor hang, whatever a dump says.

hostile.py KANALYZE BUNDLE [--seed N] [--count N] [--seconds S] [--only NUMBER] [--commands TEXT] [--dump FILE --vmlinux FILE]
           [--as elf|raw|lime] [--minimal] [--keep DIR] [--verbose]

Variants of BUNDLE/sysrq.vmcore, each from its own number, so that one run is like the next: the file's headers, notes,
bitmaps, page descriptors and pages damaged, and the file cut; and, in the same memory as a plain ELF vmcore, the kernel's own
data: tasks, links of lists, the log, modules, page tables, stacks, per-CPU areas, variables. A run passes when it ends in
time with exit status 0, 1 or 3 and no sanitizer spoke. --as: the kernel's data lie in raw memory or a LiME file instead: then there is no
VMCOREINFO but in memory. --minimal: without the vmlinux. Flattened and split copies are damaged, too. --only NUMBER runs one variant (--keep DIR leaves its file there).
"""
import argparse, os, random, resource, shutil, struct, subprocess, sys, tempfile, time, zlib

COMMANDS = "sys; bt -a; log; ps; mod; foreach bt; ps -a; ps -g; ps -t; log -d; mod -t; sys -t; sys -c; foreach files; mount; foreach vm; vtop init_task; rd -s init_task 64"
TIMEOUT = 20
MEMORY_MB = 2000    # of one run, with what a sanitizer takes on top
IMAGE = 0xffffffff80000000
MASK = (1 << 64) - 1


class Kdump:
    """Where things lie in a kdump-compressed file, and its pages."""

    def __init__(self, data):
        self.data = data
        self.machine = data[272:337].split(b"\0")[0].decode("latin1")
        self.block, sub, bitmaps, max_pfn = struct.unpack_from("<IIII", data, 428)
        self.bitmap = (1 + sub) * self.block
        self.bitmap_size = bitmaps * self.block
        self.max_pfn = struct.unpack_from("<Q", data, self.block + 96)[0] or max_pfn
        self.info, self.info_size, self.note, self.note_size = struct.unpack_from("<QQQQ", data, self.block + 32)
        self.descs = self.bitmap + self.bitmap_size
        present = self.bitmap + self.bitmap_size // 2
        self.pfns = [p for p in range(self.max_pfn) if data[present + p // 8] >> (p % 8) & 1]
        self.pages = self.descs + 24 * len(self.pfns)

    def page(self, n):
        offset, size, flags = struct.unpack_from("<QII", self.data, self.descs + 24 * n)
        raw = self.data[offset:offset + size]
        if flags & 1:
            return zlib.decompress(raw)
        if flags & 0x3e:
            raise SystemExit(77)    # a compression that Python lacks
        return raw


class Memory:
    """The same memory as an ELF vmcore, with the way from kernel addresses to places in the file."""

    def __init__(self, kdump, path, container="elf"):
        runs, body, at = [], bytearray(), {}
        for n, pfn in enumerate(kdump.pfns):
            if not runs or runs[-1][0] + runs[-1][1] != pfn:
                runs.append([pfn, 0, len(body)])
            runs[-1][1] += 1
            at[pfn] = len(body)
            body += kdump.page(n)
        notes = kdump.data[kdump.note:kdump.note + kdump.note_size]
        notes_at = 64 + 56 * (len(runs) + 1)
        base = (notes_at + len(notes) + 4095) & ~4095
        head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1" + bytes(9), 4, 62 if kdump.machine == "x86_64" else 183, 1, 0, 64, 0, 0, 64, 56, len(runs) + 1, 0, 0, 0)
        head += struct.pack("<IIQQQQQQ", 4, 0, notes_at, 0, 0, len(notes), len(notes), 0)
        for pfn, count, offset in runs:
            head += struct.pack("<IIQQQQQQ", 1, 7, base + offset, 0, pfn << 12, count << 12, count << 12, 0)
        if container == "elf":
            self.bytes = bytearray((head + notes).ljust(base, b"\0") + body)
            self.offsets = {pfn: base + o for pfn, o in at.items()}
        elif container == "raw":
            base, first = 0, runs[0][0]
            self.bytes = bytearray((runs[-1][0] + runs[-1][1] - first) << 12)
            self.offsets = {pfn: (pfn - first) << 12 for pfn in at}
            for pfn, o in at.items():
                self.bytes[self.offsets[pfn]:self.offsets[pfn] + 4096] = body[o:o + 4096]
            self.at = "@%x" % (first << 12)
        else:
            base, self.bytes, self.offsets = 0, bytearray(), {}
            for pfn, count, offset in runs:
                self.bytes += struct.pack("<IIQQQ", 0x4c694d45, 1, pfn << 12, ((pfn + count) << 12) - 1, 0)
                self.offsets.update({pfn + i: len(self.bytes) + (i << 12) for i in range(count)})
                self.bytes += body[offset:offset + (count << 12)]
            base = 0
        self.notes_at, self.notes_size, self.base = notes_at, len(notes), base
        text = kdump.data[kdump.info:kdump.info + kdump.info_size].decode("latin1")
        self.vmcoreinfo = dict(l.split("=", 1) for l in text.split("\n") if "=" in l)
        self.is_arm = kdump.machine != "x86_64"
        if self.is_arm:
            self.image = int(self.vmcoreinfo["SYMBOL(_stext)"], 16)
            self.phys_base = self.image - int(self.vmcoreinfo["NUMBER(kimage_voffset)"], 0)
        else:
            self.image, self.phys_base = IMAGE, int(self.vmcoreinfo["NUMBER(phys_base)"], 0)
        self.pgd = int(self.vmcoreinfo["SYMBOL(swapper_pg_dir)"], 16) - self.image + self.phys_base
        self.tables = set()
        open(path, "wb").write(self.bytes)

    def word(self, phys):
        o = self.offsets.get(phys >> 12)
        return None if o is None else struct.unpack_from("<Q", self.bytes, o + (phys & 4095))[0]

    def phys(self, virt):
        if self.image <= virt < self.image + (1 << (26 if self.is_arm else 30)):
            return virt - self.image + self.phys_base
        table = self.pgd
        for level in (3, 2, 1, 0):
            slot = table + (virt >> (12 + 9 * level) & 511) * 8
            entry = self.word(slot)
            self.tables.add(slot)
            if not entry or not entry & 1:
                return None
            size = 1 << (12 + 9 * level)
            if level == 0 or (not entry & 2 if self.is_arm else entry & 128):
                return (entry & 0xffffffffff000 & ~(size - 1)) | (virt & (size - 1))
            table = entry & 0xffffffffff000
        return None

    def place(self, virt):
        """Offset in the file of the word at a kernel address; None: not in the dump."""
        p = self.phys(virt & ~7)
        return None if p is None or p >> 12 not in self.offsets else self.offsets[p >> 12] + (p & 4095)


class Lab:
    def __init__(self, words, seed, dump, vmlinux, container="elf", is_minimal=False):
        self.is_minimal, self.container = False, container
        self.kanalyze, self.bundle = os.path.abspath(words[0]), words[1]
        self.vmlinux = vmlinux or os.path.join(self.bundle, "vmlinux")
        self.dir = tempfile.mkdtemp(prefix="kanalyze-hostile-")
        self.kdump = Kdump(open(dump, "rb").read())
        self.kdump_path = os.path.join(self.dir, "vmcore.kdump")
        open(self.kdump_path, "wb").write(self.kdump.data)
        self.elf_path = os.path.join(self.dir, "vmcore.elf")
        self.memory = Memory(self.kdump, self.elf_path, container)
        self.seed = seed
        self.gather()
        self.is_minimal = is_minimal

    def ask(self, command):
        return self.run(self.elf_path, command)[1].decode("utf-8", "replace")

    def gather(self):
        """Addresses of what the commands read."""
        m, put = self.memory, lambda name, addrs: self.targets.__setitem__(name, sorted(set(addrs)))
        self.targets = {}
        symbols = {}
        for line in self.ask("sym -l").splitlines():
            w = line.split()
            if len(w) == 3 and len(w[0]) > 8:
                symbols.setdefault(w[2], (int(w[0], 16), w[1]))
        tasks = [int(w, 16) for l in self.ask("ps").splitlines() for w in l.split() if len(w) == 16 and w.startswith("ffff")]
        modules = [int(l.split()[0], 16) for l in self.ask("mod").splitlines() if l.startswith("ffff")]
        if len(tasks) < 10 or not modules or len(symbols) < 1000:
            raise SystemExit("the undamaged dump is not read as it should be: %d tasks, %d modules, %d symbols" %
                             (len(tasks), len(modules), len(symbols)))
        words = lambda addrs, size: [a + i for a in addrs for i in range(0, size, 8)]
        put("task", words(tasks, 4096))
        put("module", words(modules, 1024))
        pointers = []
        for a in words(tasks, 4096) + words(modules, 1024):
            o = m.place(a)
            if o is not None and struct.unpack_from("<Q", m.bytes, o)[0] >> 47 == (1 << 17) - 1:
                pointers.append(a)
        put("pointer", pointers)
        self.pool = [struct.unpack_from("<Q", m.bytes, m.place(a))[0] for a in pointers] + tasks + modules + [a for a, _ in symbols.values()]
        # what those point to: stacks, mm, signal, pid, module sections and symbol tables ...
        put("pointee", [(p & ~7) + i for p in self.pool[:len(pointers)] for i in range(-256, 512, 64)])
        stacks = set()
        for a in pointers:
            v = struct.unpack_from("<Q", m.bytes, m.place(a))[0]
            if v & 0x3fff == 0 and symbols["init_task"][0] >> 32 != v >> 32:
                stacks.add(v)
        put("stack", [s + i for s in stacks for i in range(8192, 16384, 8)])
        names = ["prb", "printk_rb_static", "log_buf", "log_buf_len", "_printk_rb_static_descs", "_printk_rb_static_infos"]
        log = []
        for name in names:
            if name in symbols:
                log += words([symbols[name][0]], 4096 if "_rb_static_" in name else 128)
        if "prb" in symbols and m.place(symbols["prb"][0]) is not None:
            ring = struct.unpack_from("<Q", m.bytes, m.place(symbols["prb"][0]))[0]
            log += words([ring], 128) * 8
            for i in range(0, 128, 8):    # the rings' arrays
                v = struct.unpack_from("<Q", m.bytes, m.place(ring + i))[0] if m.place(ring + i) is not None else 0
                log += words([v], 8192) if v >> 47 == (1 << 17) - 1 else []
        self.targets["log"] = log
        data = [a for a, t in symbols.values() if t in ("(D)", "(d)", "(B)", "(b)", "(R)", "(r)")]
        wanted = ["modules", "init_task", "init_uts_ns", "nr_cpu_ids", "__per_cpu_offset", "__cpu_online_mask", "__cpu_possible_mask",
                  "__cpu_present_mask", "init_pid_ns", "runqueues", "crash_notes", "panic_cpu", "jiffies", "tk_core", "timekeeper",
                  "mod_tree", "init_mm", "vmcoreinfo_data", "page_offset_base", "vmalloc_base", "vmemmap_base", "high_memory",
                  "sys_call_table", "saved_command_line", "xtime", "avenrun", "tainted_mask", "kallsyms_num_syms", "node_data",
                  "contig_page_data", "module_kset", "totalram_pages", "_totalram_pages", "linux_banner", "crashing_cpu"]
        put("variable", words([symbols[n][0] for n in wanted if n in symbols], 256))
        put("data", data)
        put("percpu", self.percpu(symbols))
        for a in tasks + modules:
            m.phys(a)
        self.slots = sorted(m.tables)
        self.kinds = {
            "header": self.header, "bitmap": self.bitmap, "desc": self.desc, "page": self.page, "cut": self.cut, "notes": self.notes,
            "elf": self.elf_header, "table": self.table, "zero": self.blank, "mix": self.mix,
        }
        self.kinds.update({name: (lambda r, n=name: self.patch(r, n)) for name, addrs in self.targets.items() if addrs})
        if self.container != "elf":
            del self.kinds["elf"]
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "image"))
        sys.dont_write_bytecode = True
        import formats
        flat = formats.flat(self.kdump.data, 40000)
        pages = {pfn: bytes(self.kdump.page(n)) for n, pfn in enumerate(self.kdump.pfns)}
        half = self.kdump.max_pfn // 2
        self.copies = {"flat": [flat], "split": [formats.kdump(pages, self.kdump.max_pfn, split=(0, half)),
                                                 formats.kdump(pages, self.kdump.max_pfn, split=(half, self.kdump.max_pfn))]}
        for name, files in self.copies.items():
            for i, data in enumerate(files):
                open(os.path.join(self.dir, "%s%d" % (name, i)), "wb").write(data)
            self.kinds[name] = (lambda r, n=name: self.copy(r, n))
        self.order = sorted(self.kinds)

    def percpu(self, symbols):
        at = self.memory.place(symbols["__per_cpu_offset"][0])
        offsets = struct.unpack_from("<2Q", self.memory.bytes, at) if at is not None else ()
        return [(o + i) & MASK for o in offsets for i in range(0, 0x30000, 8)]

    # Each kind gives (path, original bytes, [(offset, bytes)], new length or None).

    def header(self, r):
        k = self.kdump
        patches = []
        for _ in range(r.randint(1, 4)):
            at = r.choice([r.randrange(0, 464), r.randrange(424, 464), k.block + r.randrange(0, 104)])
            patches.append((at, self.junk(r, r.choice([1, 4, 8]))))
        return self.kdump_path, k.data, patches, None

    def notes(self, r):
        k = self.kdump
        at, size = r.choice([(k.note, k.note_size), (k.info, k.info_size)])
        if r.randrange(3):
            # a number of VMCOREINFO
            digits = [i for i in range(k.info, k.info + k.info_size) if k.data[i:i + 1].isalnum()]
            return self.kdump_path, k.data, [(r.choice(digits), bytes([r.choice(b"09af-=\n\0\xff")])) for _ in range(r.randint(1, 12))], None
        return self.kdump_path, k.data, [(at + r.randrange(size), self.junk(r, 4)) for _ in range(r.randint(1, 8))], None

    def bitmap(self, r):
        k = self.kdump
        return self.kdump_path, k.data, [(k.bitmap + r.randrange(k.bitmap_size), self.junk(r, r.choice([1, 8, 512]))) for _ in range(r.randint(1, 6))], None

    def desc(self, r):
        k = self.kdump
        patches = []
        for _ in range(r.randint(1, 400)):
            patches.append((k.descs + 24 * r.randrange(len(k.pfns)) + r.choice([0, 4, 8, 12]), self.junk(r, 4)))
        return self.kdump_path, k.data, patches, None

    def page(self, r):
        k = self.kdump
        return self.kdump_path, k.data, [(r.randrange(k.pages, len(k.data)), self.junk(r, r.choice([1, 16, 4096]))) for _ in range(r.randint(1, 2000))], None

    def cut(self, r):
        k = self.kdump
        return self.kdump_path, k.data, [], r.choice([r.randrange(0, k.bitmap), r.randrange(0, k.pages), r.randrange(k.pages, len(k.data))])

    def elf_header(self, r):
        m = self.memory
        patches = [(r.choice([r.randrange(16, 64), r.randrange(64, m.notes_at), r.randrange(m.notes_at, m.notes_at + m.notes_size)]),
                    self.junk(r, r.choice([1, 4, 8]))) for _ in range(r.randint(1, 6))]
        return self.elf_path, m.bytes, patches, r.choice([None, None, r.randrange(len(m.bytes))])

    def copy(self, r, name):
        """A flattened file, or one part of a split one: the first page frames, the headers of blocks, anything."""
        i = r.randrange(len(self.copies[name]))
        data = self.copies[name][i]
        patches = []
        for _ in range(r.randint(1, 20)):
            at = r.choice([r.randrange(4096 * 3), r.randrange(len(data)), (4096 + r.randrange(len(data) // 40016 + 1) * 40016 + r.randrange(16)) % len(data)])
            patches.append((at, self.junk(r, r.choice([1, 4, 8]))))
        return os.path.join(self.dir, "%s%d" % (name, i)), data, patches, r.choice([None, None, None, r.randrange(len(data))])

    def table(self, r):
        m = self.memory
        patches = []
        for _ in range(r.randint(1, 8)):
            slot = r.choice(self.slots)
            old = m.word(slot) or 0
            # to itself, to another table, to nowhere, another size
            new = r.choice([slot & ~4095 | 0x63, r.choice(self.slots) & ~4095 | 0x63, old ^ 1, old ^ 128, old ^ (1 << r.randrange(12, 52)), r.getrandbits(64)])
            if slot >> 12 in m.offsets:
                patches.append((m.offsets[slot >> 12] + (slot & 4095), struct.pack("<Q", new)))
        return self.elf_path, m.bytes, patches, None

    def blank(self, r):
        """Whole pages of zeros, ones or noise."""
        m = self.memory
        patches = []
        for _ in range(r.choice([1, 10, 300])):
            at = r.randrange(m.base, len(m.bytes)) & ~4095
            patches.append((at, r.choice([bytes(4096), b"\xff" * 4096, r.randbytes(4096)])))
        return self.elf_path, m.bytes, patches, None

    def patch(self, r, name):
        m, patches = self.memory, []
        targets = self.targets[name]
        for _ in range(r.choice([1, 3, 20, 200, 2000])):
            a = r.choice(targets)
            at = m.place(a)
            if at is not None:
                old = struct.unpack_from("<Q", m.bytes, at)[0]
                patches.append((at, struct.pack("<Q", self.value(r, a, old))))
        return self.elf_path, m.bytes, patches, None

    def mix(self, r):
        patches = []
        for _ in range(5):
            patches += self.patch(r, r.choice(sorted(n for n, a in self.targets.items() if a)))[2]
        return self.elf_path, self.memory.bytes, patches, None

    def value(self, r, addr, old):
        """What is most likely to hurt in the place of a pointer, a count or an index."""
        which = r.randrange(14)
        if which < 3:
            return r.choice(self.pool)
        return [addr, addr & ~0xfff, 0, MASK, r.getrandbits(64), old ^ (1 << r.randrange(64)), (old + r.choice([-1, 1, 8, -8, 64, 4096])) & MASK,
                r.choice(self.pool) | r.randrange(8), 0x8000000000000000, 0x7fffffff, r.choice(self.pool) & ~0xfff | 0xff8][which - 3]

    def junk(self, r, size):
        return r.choice([r.randbytes(size), bytes(size), b"\xff" * size, struct.pack("<Q", 1 << r.randrange(64))[:size] if size <= 8 else r.randbytes(size)])

    def run(self, path, command):
        env = dict(os.environ, HOME="/nonexistent", XDG_CACHE_HOME=self.dir, LC_ALL="C.UTF-8", TZ="UTC",
                   ASAN_OPTIONS="detect_leaks=1:max_allocation_size_mb=2048:allocator_may_return_null=0:hard_rss_limit_mb=3000",
                   UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
        try:
            files = [path]
            name = os.path.basename(path)
            if path == self.elf_path and self.container == "raw":
                files = [path + self.memory.at]
            elif name.startswith("split"):
                files = [os.path.join(self.dir, "split%d" % i) for i in range(2)]
            how = ["--minimal"] if self.is_minimal else [self.vmlinux]
            p = subprocess.run([self.kanalyze, "--no-rc", "-c", command] + how + files, env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return None, b"", b""
        return p.returncode, p.stdout, p.stderr

    def check_undamaged(self):
        """Both files are whole, before the first variant and after the last: else the test proves nothing."""
        for path in self.kdump_path, self.elf_path:
            status, _, err = self.run(path, "sys; bt -a; log; ps; mod")
            # memory alone has no registers of the CPUs; without vmlinux there is a word on what lacks
            if status not in (0, 1) or ((status or err) and self.container == "elf" and not self.is_minimal):
                raise SystemExit("%s, undamaged: exit status %s\n%s" % (path, status, err.decode("utf-8", "replace")))

    def variant(self, n, command, keep):
        """None: passed. Else what went wrong."""
        r = random.Random(self.seed * 1000003 + n)
        kind = self.order[n % len(self.order)]
        path, original, patches, length = self.kinds[kind](r)
        with open(path, "r+b") as f:
            for at, new in patches:
                f.seek(at)
                f.write(new[:max(0, len(original) - at)])
            if length is not None:
                f.truncate(length)
        if keep:
            shutil.copy(path, os.path.join(keep, "variant-%d" % n))
        start = time.monotonic()
        status, out, err = self.run(path, command)
        took = time.monotonic() - start
        with open(path, "r+b") as f:
            if length is not None:
                f.seek(length)
                f.write(original[length:])
            for at, new in patches:
                f.seek(at)
                f.write(original[at:at + len(new)])
        bad = None
        if status is None:
            bad = "still running after %d s" % TIMEOUT
        elif status not in (0, 1, 3):
            bad = "exit status %d" % status
        elif b"Sanitizer" in err or b"runtime error" in err or b"out of memory" in err:
            bad = "the sanitizer speaks"
        elif len(out) > 64 << 20:
            bad = "%d MB of output" % (len(out) >> 20)
        return kind, status, took, bad, err


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("words", nargs=2, metavar="KANALYZE BUNDLE")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=1000000)
    p.add_argument("--first", type=int, default=0)
    p.add_argument("--seconds", type=float, default=40)
    p.add_argument("--only", type=int)
    p.add_argument("--commands", default=COMMANDS)
    p.add_argument("--dump", help="another kdump-compressed dump (zlib) than the bundled one")
    p.add_argument("--vmlinux", help="its vmlinux")
    p.add_argument("--as", dest="container", choices=["elf", "raw", "lime"], default="elf")
    p.add_argument("--minimal", action="store_true")
    p.add_argument("--keep")
    p.add_argument("--verbose", action="store_true")
    o = p.parse_args()
    dump = o.dump or os.path.join(o.words[1], "sysrq.vmcore")
    if not os.path.exists(dump):
        dump = os.path.join(o.words[1], "null.vmcore")
    if not os.path.exists(dump):
        return 77
    lab = Lab(o.words, o.seed, dump, o.vmlinux, o.container, o.minimal)
    failed, statuses, slowest, n, start = [], {}, (0, 0), o.first, time.monotonic()
    lab.check_undamaged()
    numbers = [o.only] if o.only is not None else range(o.first, o.first + o.count)
    for n in numbers:
        if time.monotonic() - start > o.seconds and o.only is None:
            break
        kind, status, took, bad, err = lab.variant(n, o.commands, o.keep)
        statuses[status] = statuses.get(status, 0) + 1
        slowest = max(slowest, (took, n))
        if bad or o.verbose:
            print("variant %d (%s): %s (status %s, %.2f s)" % (n, kind, bad or "passed", status, took))
            if bad or o.only is not None:
                print("    " + "\n    ".join(err.decode("utf-8", "replace").splitlines()[-60:]))
            sys.stdout.flush()
        if bad:
            failed.append(n)
    lab.check_undamaged()
    shutil.rmtree(lab.dir)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print("%d variants, %d failed %s; exit statuses %s; slowest %.2f s (variant %d); at most %d MB" %
          (sum(statuses.values()), len(failed), failed or "", statuses, slowest[0], slowest[1], largest))
    return 1 if failed or largest > MEMORY_MB else 0


if __name__ == "__main__":
    sys.exit(main())
