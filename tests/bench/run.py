#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole-process time and peak memory of everyday commands, side by side with crash and drgn, as ratios.

run.py KANALYZE VMLINUX VMCORE [--modules DIR] [--crash PROGRAM]... [--drgn PROGRAM] [--rounds N] [--table FILE]

Each program runs the same commands on the same dump, in turn, N times (default 5); of each the median of CPU seconds
(user + system), the least wall time and the peak resident memory (of the largest process) are told. The page cache is warmed by a run
before. Of searches the speed is told, without the time of the start. Times are never asserted: machines are noisy; ratios within one run are what can be compared.
--table: the same as a table of Markdown, CPU seconds.

drgn runs its own crash commands; where it has none, or its own ends at the first task that a filtered dump has not whole (foreach files, vm), a script that
walks the same objects with drgn.helpers and goes on behind such a task (marked * in the table). cold: with an empty cache folder, cached: with one that a run before filled.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile, time

EACH_TASK = """
from drgn import FaultError
from drgn.helpers.linux import *
for task in for_each_task(prog, idle=True):
    print("PID:", task.pid.value_(), "TASK:", hex(task.value_()), "CPU:", task_cpu(task), "COMMAND:", task.comm.string_().decode())
    try:
"""
FILES = EACH_TASK + """
        for fd, file in for_each_file(task):
            f = file.f_path
            print(fd, hex(file), hex(f.dentry), hex(f.dentry.d_inode), oct(f.dentry.d_inode.i_mode.value_()), d_path(f).decode())
    except FaultError as e:
        print(e)
"""
VM = EACH_TASK + """
        if task.mm:
            print(hex(task.mm), hex(task.mm.pgd), task.mm.total_vm.value_(), task_rss(task))
            for vma in for_each_vma(task.mm):
                print(hex(vma), hex(vma.vm_start), hex(vma.vm_end), hex(vma.vm_flags), d_path(vma.vm_file.f_path).decode() if vma.vm_file else "")
    except FaultError as e:
        print(e)
"""
NET = EACH_TASK + """
        for fd, file in for_each_file(task):
            if file.f_inode.i_mode & 0o170000 != 0o140000:
                continue
            socket = SOCKET_I(file.f_inode)
            c = socket.sk.__sk_common
            words = [fd, hex(socket), hex(socket.sk), c.skc_family.value_(), socket.type.value_()]
            if c.skc_family == 2:
                words += [hex(c.skc_rcv_saddr), c.skc_num.value_(), hex(c.skc_daddr), c.skc_dport.value_()]
            elif c.skc_family == 10:
                words += [c.skc_v6_rcv_saddr.in6_u.u6_addr8, c.skc_num.value_(), c.skc_v6_daddr.in6_u.u6_addr8, c.skc_dport.value_()]
            print(*words)
    except FaultError as e:
        print(e)
"""
MODULES = """
import glob
prog.load_debug_info([p for x in ("ko", "ko.debug", "ko.xz") for p in glob.glob(%r + "/**/*." + x, recursive=True)])
for m in prog.loaded_modules() if hasattr(prog, "loaded_modules") else prog.modules():
    print(m.name, m.debug_file_path if hasattr(m, "debug_file_path") else "")
"""

# what, ours, crash's; drgn's: the same as crash's, else a script; cold, cached: see above
TASKS = [
    ("start and quit", [], [], None, ""),
    ("sys; bt; log; ps", ["sys", "bt", "log", "ps"], ["sys", "bt", "log", "ps"], None, ""),
    ("struct task_struct, cold", ["struct task_struct"], ["struct task_struct"], 'print(prog.type("struct task_struct"))', "cold"),
    ("p of a global, cold", ["p modprobe_path"], ["p modprobe_path"], 'print(prog["modprobe_path"])', "cold"),
    ("p of a global, cached", ["p modprobe_path"], ["p modprobe_path"], 'print(prog["modprobe_path"])', "cached"),
    ("mod -S of all modules", ["mod -S %s"], ["mod -S %s"], MODULES, "modules"),
    ("bt of all tasks", ["foreach bt"], ["foreach bt"], None, ""),
    ("ps", ["ps"], ["ps"], None, ""),
    ("files of all tasks", ["foreach files"], ["foreach files"], FILES, ""),
    ("vm of all tasks", ["foreach vm"], ["foreach vm"], VM, ""),
    ("net -s of all tasks", ["foreach net -s"], ["foreach net -s"], NET, ""),
    ("mount", ["mount"], ["mount"], None, ""),
    ("search of kernel memory", ["search -k 0123456789abcdef"], ["search -k 0123456789abcdef"], False, ""),
]
START = "start and quit"


def measure(words, stdin_text, env=None, before=None):
    """CPU seconds, wall seconds and MiB of one run; None when it failed to start"""
    if before:
        before()
    with tempfile.TemporaryFile("w+") as script:
        script.write(stdin_text)
        script.seek(0)
        start = time.monotonic()
        try:
            p = subprocess.Popen(words, stdin=script, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        except OSError:
            return None
        _, status, usage = os.wait4(p.pid, 0)
        wall = time.monotonic() - start
        p.returncode = status
        return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def kernel_bytes(a):
    """What `search -k` has to go through: mapped by the kernel and in the dump"""
    words = [a.kanalyze, "--no-rc", "--json", "-c", "search -k 0123456789abcdef", a.vmlinux, a.vmcore]
    p = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        return json.loads(p.stdout)["sum"][0]["searched_bytes"]
    except (ValueError, KeyError, IndexError):
        return 0


def runners(a, task, scratch):
    name, ours, theirs, drgn, kind = task
    if kind == "modules":
        ours, theirs, drgn = [c % a.modules for c in ours], [c % a.modules for c in theirs], drgn % a.modules
    cache = os.path.join(scratch, "cache")
    env = dict(os.environ, XDG_CACHE_HOME=cache) if kind in ("cold", "cached") else None

    def before():
        if kind == "cold":
            shutil.rmtree(cache, ignore_errors=True)

    yield "kanalyze", [a.kanalyze, "--no-rc"] + sum((["-c", c] for c in ours or ["#"]), []) + [a.vmlinux, a.vmcore], "", env, before
    for program in a.crash:
        yield os.path.basename(program), [program, "-s", a.vmlinux, a.vmcore], "\n".join(theirs + ["q", ""]), None, None
    if a.drgn and drgn is not False:
        script = os.path.join(scratch, "bench_drgn.py")
        with open(script, "w") as f:
            if drgn:
                f.write(drgn)
            else:
                f.write("from drgn.commands._crash.common import CRASH_COMMAND_NAMESPACE as NS\n")
                f.writelines("NS.run(prog, %r, globals=globals())\n" % c for c in theirs)
        yield "drgn" + "*" * bool(drgn), [a.drgn, "-q", "-c", a.vmcore, "-s", a.vmlinux, script], "", None, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kanalyze"), parser.add_argument("vmlinux"), parser.add_argument("vmcore")
    parser.add_argument("--crash", action="append", default=[], help="a crash to compare with; may be given several times")
    parser.add_argument("--drgn", help="a drgn with crash commands (0.1 or newer) to compare with")
    parser.add_argument("--scratch", help="folder for the script that drgn runs, where its own root is another (default: the dump's)")
    parser.add_argument("--modules", help="folder of the modules' debuginfo, for mod -S")
    parser.add_argument("--table", help="a file for the table")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="beside the start, only the tasks whose name has this in it")
    a = parser.parse_args()
    a.kanalyze, a.vmlinux, a.vmcore = map(os.path.abspath, (a.kanalyze, a.vmlinux, a.vmcore))
    a.modules = a.modules and os.path.realpath(a.modules)
    scratch = a.scratch or os.path.dirname(a.vmcore)
    if not os.access(scratch, os.W_OK):
        scratch = tempfile.mkdtemp()
    start_wall, table = {}, []
    for task in TASKS:
        name, kind = task[0], task[4]
        if (a.only and name != START and a.only not in name) or (kind == "modules" and not a.modules):
            continue
        results = {}
        for _ in range(a.rounds + 1):
            for program, words, text, env, before in runners(a, task, scratch):
                r = measure(words, text, env, before)
                # the first round warms
                if r and _:
                    results.setdefault(program, []).append(r)
        print(name)
        base, row = None, [name]
        for program, runs in results.items():
            cpu, wall, peak = statistics.median(r[0] for r in runs), min(r[1] for r in runs), max(r[2] for r in runs)
            base = base or (cpu, wall, peak)
            print("  %-14s CPU %7.3f s   wall %7.3f s   peak %6.1f MiB   %6.1f x CPU %6.1f x wall %5.1f x memory" % (
                program, cpu, wall, peak, cpu / base[0], wall / base[1], peak / base[2]), flush=True)
            row.append("%.3f, %.0f MiB" % (cpu, peak) + (" (%.1fx)%s" % (cpu / base[0], "*" * program.count("*")) if program != "kanalyze" else ""))
            if name == START:
                start_wall[program] = wall
            elif "search" in name:
                # without the start, which differs by seconds
                spent = wall - start_wall.get(program, 0)
                # where the start took longer than start and search together the machine was busy: nothing can be told
                print("  %-14s %s" % ("", "%8.0f MB/s" % (kernel_bytes(a) / 1e6 / spent) if spent > 0.01 else "   (too noisy to tell MB/s)"))
        table.append(row)
    shutil.rmtree(os.path.join(scratch, "cache"), ignore_errors=True)
    if a.table:
        heads = ["CPU s, peak memory (times kanalyze's CPU)", "kanalyze"] + [os.path.basename(c) for c in a.crash] + ["drgn"] * bool(a.drgn)
        with open(a.table, "w") as f:
            f.writelines("| %s |\n" % " | ".join(r) for r in [heads, ["---"] * len(heads)] + [r + [""] * (len(heads) - len(r)) for r in table])
    script = os.path.join(scratch, "bench_drgn.py")
    if a.drgn and os.path.exists(script):
        os.unlink(script)
    return 0


sys.exit(main())
