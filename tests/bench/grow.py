#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A dump with as many tasks as one wants, grown from a real one: grow.py KANALYZE VMLINUX DUMP OUT [--tasks N] [--pages N]

DUMP is kdump-compressed with zlib, of x86_64 with 4-level page tables and the IDR of process ids (v4.15 and newer); OUT becomes an ELF vmcore.
Sleeping tasks are cloned: task_struct, signal_struct, struct pid and kernel stack go to new physical memory above the old, in the
direct map, every word that led into the old ones leads into the new; lists (tasks, siblings, threads) and the IDR are linked as the kernel
would have linked them, and the page tables map the new memory. A fifth are threads of one process, a fifth of processes of 20 threads, the
rest processes, each third of them the child of another clone. Files, mm and the rest are shared, as after clone(CLONE_FILES | CLONE_VM).
"""
import argparse, json, mmap, os, struct, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz"))
sys.dont_write_bytecode = True
from hostile import Kdump

GB = 1 << 30
PHYS = 0xffffffffff000
STACK_END_MAGIC = 0x57ac6e9d


def answers(a, commands):
    words = [a.kanalyze, "--no-rc", "--json"] + sum((["-c", c] for c in commands), []) + [a.vmlinux, a.dump]
    out = subprocess.run(words, stdout=subprocess.PIPE, check=False).stdout.decode()
    return [json.loads(line) for line in out.splitlines()]


def numbers(a, texts):
    """Values of expressions; None for what this kernel lacks."""
    ret = []
    for text, doc in zip(texts, answers(a, ["eval " + t for t in texts])):
        ret.append(doc["values"][0]["value"] if doc.get("values") and not doc["errors"] else None)
    return ret


class Dump:
    """The ELF vmcore that is being made, with all its memory mapped for writing."""

    def __init__(self, old, path, notes, grown):
        runs, at = [], 0
        for pfn in old.pfns:
            if not runs or runs[-1][0] + runs[-1][1] != pfn:
                runs.append([pfn, 0])
            runs[-1][1] += 1
        self.new_phys = (old.pfns[-1] * 4096 // GB + 1) * GB
        runs.append([self.new_phys >> 12, grown >> 12])
        base = (64 + 56 * (len(runs) + 1) + len(notes) + 4095) & ~4095
        self.offsets, at, headers = {}, base, []
        for pfn, count in runs:
            headers.append([pfn, count, at])
            if pfn << 12 != self.new_phys:
                self.offsets.update((pfn + i, at + (i << 12)) for i in range(count))
                at += count << 12
        self.new_offset = at
        self.file = open(path, "w+b")
        self.file.truncate(at + grown)
        self.map = mmap.mmap(self.file.fileno(), 0)
        self.map[0:64] = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1" + bytes(9), 4, 62, 1, 0, 64, 0, 0, 64, 56, len(runs) + 1, 0, 0, 0)
        self.headers, self.notes = headers, notes
        for n, pfn in enumerate(old.pfns):
            self.map[self.offsets[pfn]:self.offsets[pfn] + 4096] = old.page(n)
        info = old.data[old.info:old.info + old.info_size].decode("latin1")
        info = dict(l.split("=", 1) for l in info.split("\n") if "=" in l)
        self.phys_base = int(info["NUMBER(phys_base)"], 0)
        self.top = int(info["SYMBOL(init_top_pgt)" if "SYMBOL(init_top_pgt)" in info else "SYMBOL(swapper_pg_dir)"], 16) - 0xffffffff80000000 + self.phys_base

    def finish(self, used):
        """Headers and size, now that it is known how much was used."""
        self.headers[-1][1] = used >> 12
        notes_at = 64 + 56 * (len(self.headers) + 1)
        head = struct.pack("<IIQQQQQQ", 4, 0, notes_at, 0, 0, len(self.notes), len(self.notes), 0)
        for pfn, count, offset in self.headers:
            head += struct.pack("<IIQQQQQQ", 1, 7, offset, 0, pfn << 12, count << 12, count << 12, 4096)
        self.map[64:64 + len(head)] = head
        self.map[notes_at:notes_at + len(self.notes)] = self.notes
        self.map.close()
        self.file.truncate(self.new_offset + used)
        self.file.close()

    def offset(self, phys):
        return self.new_offset + phys - self.new_phys if phys >= self.new_phys else self.offsets[phys >> 12] + (phys & 4095)

    def entry(self, virt, level):
        """Physical address of the page table entry of an address: level 3 is the top's."""
        table = self.top
        for up in range(3, level - 1, -1):
            slot = table + (virt >> (12 + 9 * up) & 511) * 8
            if up == level:
                return slot
            value = struct.unpack_from("<Q", self.map, self.offset(slot))[0]
            if not value & 1:
                raise KeyError("%x is not mapped" % virt)
            if value & 128 and up < 3:
                return None
            table = value & PHYS
        return None

    def phys(self, virt):
        if self.direct + self.new_phys <= virt < self.direct + (1 << 46):
            return virt - self.direct
        if virt >= 0xffffffff80000000 and virt < 0xffffffffa0000000 + (1 << 29):
            return virt - 0xffffffff80000000 + self.phys_base
        for level in (3, 2, 1, 0):
            value = struct.unpack_from("<Q", self.map, self.offset(self.entry(virt, level)))[0]
            if not value & 1:
                raise KeyError("%x is not mapped" % virt)
            size = 1 << (12 + 9 * level)
            if level == 0 or (value & 128 and level < 3):
                return (value & PHYS & ~(size - 1)) | (virt & (size - 1))
        raise KeyError

    def read(self, virt, size):
        ret = bytearray()
        while size:
            n = min(size, 4096 - (virt & 4095))
            o = self.offset(self.phys(virt))
            ret += self.map[o:o + n]
            virt, size = virt + n, size - n
        return ret

    def word(self, virt):
        return struct.unpack_from("<Q", self.map, self.offset(self.phys(virt)))[0]

    def put(self, virt, value, form="<Q"):
        struct.pack_into(form, self.map, self.offset(self.phys(virt)), value)

    def append(self, head, node):
        """list_add_tail()"""
        tail = self.word(head + 8)
        self.put(tail, node)
        self.put(node, head)
        self.put(node + 8, tail)
        self.put(head + 8, node)


class Room:
    """New physical memory, given out from below."""

    def __init__(self, dump):
        self.dump, self.at, self.start = dump, dump.direct + dump.new_phys, dump.direct + dump.new_phys

    def take(self, size, align):
        self.at = (self.at + align - 1) & -align
        self.at += size
        return self.at - size


OFFSETS = ["pid", "tgid", "stack", "signal", "tasks", "sibling", "children", "thread_node", "thread_group", "group_leader", "real_parent", "parent",
           "thread_pid", "pid_links[0]", "pending.list"]


class Original:
    """A task that is cloned, as bytes, with the places of the words that lead into itself."""

    def __init__(self, d, o, sizes, task):
        self.task = task
        self.parts = [(task, sizes["task_struct"])]
        words = d.read(task, sizes["task_struct"])
        at = lambda name: struct.unpack_from("<Q", words, o[name])[0]
        self.stack, self.signal, self.pid, self.parent = at("stack"), at("signal"), at("thread_pid"), at("real_parent")
        self.parts += [(self.signal, sizes["signal_struct"]), (self.pid, sizes["pid"]), (self.stack, sizes["stack"])]
        self.bytes = [d.read(start, size) for start, size in self.parts]
        # signals that wait are others' memory: the clone has none
        for part, start, offset in ((0, task, o["pending.list"]), (1, self.signal, o["shared_pending.list"])):
            struct.pack_into("<QQ", self.bytes[part], offset, start + offset, start + offset)
        self.links = []         # (part, offset, part it leads to, offset there)
        for i, b in enumerate(self.bytes):
            for offset in range(0, len(b) & ~7, 8):
                value = struct.unpack_from("<Q", b, offset)[0]
                for j, (start, size) in enumerate(self.parts):
                    if start <= value < start + size:
                        self.links.append((i, offset, j, value - start))

    def clone(self, d, room):
        """Addresses of the new task_struct, signal_struct, pid and stack."""
        new = [0] * 4
        for i in (3, 0, 1, 2):
            new[i] = room.take(self.parts[i][1], self.parts[3][1] if i == 3 else 64)
        made = [bytearray(b) for b in self.bytes]
        for i, offset, j, inside in self.links:
            struct.pack_into("<Q", made[i], offset, new[j] + inside)
        for i, b in enumerate(made):
            o = d.offset(d.phys(new[i]))
            if i < 3:
                d.map[o:o + len(b)] = bytes(b)
                continue
            # pages of a stack that nothing was on stay holes in the file
            for page in range(0, len(b), 4096):
                if any(b[page:page + 4096]):
                    d.map[o + page:o + page + 4096] = bytes(b[page:page + 4096])
        return new


def idr_entries(d, node, slots, shift_at, prefix=0):
    shift = d.read(node + shift_at, 1)[0]
    for i in range(64):
        entry = d.word(node + slots + 8 * i)
        index = prefix + (i << shift)
        if entry & 3 == 2 and shift:
            yield from idr_entries(d, entry & ~3, slots, shift_at, index)
        elif entry and not entry & 3:
            yield index, entry


def idr_make(d, room, entries, size, o):
    """An xarray of these (index, entry), sorted: the entry of its root."""
    shift, level = 0, [(index, entry) for index, entry in entries]
    while shift == 0 or len(level) > 1 or level[0][0]:
        above = {}
        for index, entry in level:
            above.setdefault(index >> 6, []).append((index & 63, entry))
        level = []
        for index, children in sorted(above.items()):
            node = room.take(size, 64)
            d.put(node + o["shift"], shift, "<B")
            d.put(node + o["offset"], index & 63, "<B")
            d.put(node + o["count"], len(children), "<B")
            for slot, entry in children:
                d.put(node + o["slots"] + 8 * slot, entry)
                if entry & 3 == 2:
                    d.put((entry & ~3) + o["parent"], node)
            level.append((index, node | 2))
        shift += 6
    return level[0][1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kanalyze"), parser.add_argument("vmlinux"), parser.add_argument("dump"), parser.add_argument("out")
    parser.add_argument("--tasks", type=int, default=100000, help="how many there are to be in the end")
    a = parser.parse_args()
    old = Kdump(open(a.dump, "rb").read())
    if old.machine != "x86_64":
        sys.exit("grow.py makes page tables of x86_64 alone")
    sizes = dict(zip(("task_struct", "signal_struct", "pid", "xa_node"),
                     numbers(a, ["sizeof(struct %s)" % t for t in ("task_struct", "signal_struct", "pid", "xa_node")])))
    sizes["stack"] = 16384
    o = dict(zip(OFFSETS, numbers(a, ["offsetof(struct task_struct, %s)" % m for m in OFFSETS])))
    node = dict(zip(("shift", "offset", "count", "parent", "slots"),
                    numbers(a, ["offsetof(struct xa_node, %s)" % m for m in ("shift", "offset", "count", "parent", "slots")])))
    o["shared_pending.list"] = numbers(a, ["offsetof(struct signal_struct, shared_pending.list)"])[0]
    names = ["*(unsigned long *)&page_offset_base", "init_task", "&init_pid_ns.idr.idr_rt.xa_head", "offsetof(struct signal_struct, thread_head)",
             "offsetof(struct signal_struct, nr_threads)", "offsetof(struct pid, numbers[0].nr)", "&pid_max", "offsetof(struct pid, tasks[0])",
             "&init_pid_ns.idr.idr_next"]
    direct, init, root, thread_head, nr_threads, nr, pid_max, pid_tasks, idr_next = numbers(a, names[:1] + ["&init_task"] + names[2:])
    tasks = answers(a, ["ps"])[0]["tasks"]
    each = (sizes["stack"] + sizes["task_struct"] + sizes["signal_struct"] + sizes["pid"] + 256 + sizes["stack"] - 1) // sizes["stack"] * sizes["stack"]
    want = a.tasks - len(tasks)
    grown = (want * each + want // 32 * sizes["xa_node"] + (64 << 20) + GB - 1) // GB * GB
    d = Dump(old, a.out, old.data[old.note:old.note + old.note_size], grown)
    d.direct = direct
    room = Room(d)
    for at in range(room.start, room.start + grown, GB):
        slot = d.entry(at, 2)
        # present, writable, accessed, dirty, 1 GB, global, no-execute
        struct.pack_into("<Q", d.map, d.offset(slot), (at - direct) | 0x80000000000001e3)

    originals, users, biggest = [], [], 0
    for t in tasks:
        biggest = max(biggest, t["pid"])
        if t["is_active"] or t["pid"] < 2 or t["state"] not in ("IN", "UN", "ID"):
            continue
        task = int(t["task"], 16)
        try:
            alone = d.word(d.word(task + o["signal"]) + thread_head) == task + o["thread_node"]
            if alone and d.word(task + o["group_leader"]) == task and struct.unpack("<I", d.read(d.word(task + o["stack"]), 4))[0] == STACK_END_MAGIC:
                alone = d.word(d.word(task + o["signal"]) + thread_head + 8) == task + o["thread_node"]
                if alone:
                    originals.append(Original(d, o, sizes, task))
                    if not t["is_kernel_thread"]:
                        users.append(originals[-1])
        except KeyError:
            continue        # in part not in the dump
    if not originals:
        sys.exit("no task of this dump can be cloned")

    entries = list(idr_entries(d, d.word(root) & ~3, node["slots"], node["shift"]))
    leaders, number, giant = [], max(biggest, 300) + 1, None
    for n in range(want):
        kind = "giant" if n % 5 == 1 else "group" if n % 5 == 2 else "alone"
        if kind == "group" and n // 5 % 20 == 0:
            group = None
        leader = giant if kind == "giant" else group if kind == "group" else None
        # a thread is a clone of its process, and kernel threads have none
        choice = originals if kind == "alone" or not users else users
        original = leader[0] if leader else choice[n % len(choice)]
        task, signal, pid, stack = original.clone(d, room)
        d.put(task + o["pid"], number, "<I")
        d.put(pid + nr, number, "<I")
        d.put(pid + pid_tasks, task + o["pid_links[0]"])
        for i in (1, 2, 3):
            d.put(pid + pid_tasks + 8 * i, 0)
        entries.append((number, pid))
        if leader:
            _, its_task, its_signal, its_number = leader
            d.put(task + o["tgid"], its_number, "<I")
            d.put(task + o["signal"], its_signal)
            d.put(task + o["group_leader"], its_task)
            d.append(its_signal + thread_head, task + o["thread_node"])
            d.put(its_signal + nr_threads, struct.unpack("<I", d.read(its_signal + nr_threads, 4))[0] + 1, "<I")
            if o["thread_group"]:
                d.append(its_task + o["thread_group"], task + o["thread_group"])
            for name in ("sibling", "children"):
                d.put(task + o[name], task + o[name])
                d.put(task + o[name] + 8, task + o[name])
            d.put(task + o["real_parent"], d.word(its_task + o["real_parent"]))
            d.put(task + o["parent"], d.word(its_task + o["parent"]))
        else:
            d.put(task + o["tgid"], number, "<I")
            d.put(task + o["children"], task + o["children"])
            d.put(task + o["children"] + 8, task + o["children"])
            parent = leaders[len(leaders) * 2 // 3] if leaders and n % 3 == 0 else original.parent
            d.put(task + o["real_parent"], parent)
            d.put(task + o["parent"], parent)
            d.append(parent + o["children"], task + o["sibling"])
            d.append(init + o["tasks"], task + o["tasks"])
            leaders.append(task)
            if kind == "giant":
                giant = (original, task, signal, number)
            elif kind == "group":
                group = (original, task, signal, number)
        number += 1
    d.put(root, idr_make(d, room, sorted(entries), sizes["xa_node"], node))
    d.put(idr_next, number, "<I")
    if pid_max:
        d.put(pid_max, 4194304, "<I")
    used = (room.at - room.start + 4095) & ~4095
    d.finish(used)
    print("%d tasks, %d of them new, in %d MB of new memory" % (a.tasks, want, used >> 20))
    return 0


sys.exit(main())
