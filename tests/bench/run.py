#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole-process time and peak memory of everyday commands, side by side with crash and drgn, as ratios.

run.py KANALYZE VMLINUX VMCORE [--crash PROGRAM]... [--drgn PROGRAM] [--rounds N]

Each program runs the same commands on the same dump, in turn, N times (default 5); of each the median of CPU seconds
(user + system), the least wall time and the peak resident memory (of the largest process) are told. The page cache is warmed by a run
before. Of searches the speed is told, without the time of the start. Times are never asserted: machines are noisy; ratios within one run are what can be compared.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

TASKS = {
    "start and quit": ([], []),
    "sys; bt; log; ps": (["sys", "bt", "log", "ps"], ["sys", "bt", "log", "ps"]),
    "bt of all tasks": (["foreach bt"], ["foreach bt"]),
    "ps": (["ps"], ["ps"]),
    "files of all tasks": (["foreach files"], ["foreach files"]),
    "vm of all tasks": (["foreach vm"], ["foreach vm"]),
    "mount": (["mount"], ["mount"]),
    "search of kernel memory": (["search -k 0123456789abcdef"], ["search -k 0123456789abcdef"]),
}
START = "start and quit"
# drgn's crash commands have no search
WITHOUT_DRGN = {"search of kernel memory"}


def measure(words, stdin_text):
    """CPU seconds, wall seconds and MiB of one run; None when it failed to start"""
    with tempfile.TemporaryFile("w+") as script:
        script.write(stdin_text)
        script.seek(0)
        start = time.monotonic()
        try:
            p = subprocess.Popen(words, stdin=script, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


def runners(a, ours, theirs, scratch):
    yield "kanalyze", [a.kanalyze, "--no-rc"] + sum((["-c", c] for c in ours or ["#"]), []) + [a.vmlinux, a.vmcore], ""
    for program in a.crash:
        yield os.path.basename(program), [program, "-s", a.vmlinux, a.vmcore], "\n".join(theirs + ["q", ""])
    if a.drgn:
        script = os.path.join(scratch, "bench_drgn.py")
        with open(script, "w") as f:
            f.write("from drgn.commands._crash.common import CRASH_COMMAND_NAMESPACE as NS\n")
            f.writelines("NS.run(prog, %r, globals=globals())\n" % c for c in theirs)
        yield "drgn", [a.drgn, "-q", "-c", a.vmcore, "-s", a.vmlinux, script], ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kanalyze"), parser.add_argument("vmlinux"), parser.add_argument("vmcore")
    parser.add_argument("--crash", action="append", default=[], help="a crash to compare with; may be given several times")
    parser.add_argument("--drgn", help="a drgn with crash commands (0.1 or newer) to compare with")
    parser.add_argument("--scratch", help="folder for the script that drgn runs, where its own root is another (default: the dump's)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="beside the start, only the tasks whose name has this in it")
    a = parser.parse_args()
    a.kanalyze, a.vmlinux, a.vmcore = map(os.path.abspath, (a.kanalyze, a.vmlinux, a.vmcore))
    scratch = a.scratch or os.path.dirname(a.vmcore)
    if a.drgn and not os.access(scratch, os.W_OK):
        scratch = tempfile.mkdtemp()
    start_wall = {}
    for task, (ours, theirs) in TASKS.items():
        if a.only and task != START and a.only not in task:
            continue
        results = {}
        programs = [r for r in runners(a, ours, theirs, scratch) if r[0] != "drgn" or task not in WITHOUT_DRGN]
        for name, words, text in programs:
            measure(words, text)
        for _ in range(a.rounds):
            for name, words, text in programs:
                r = measure(words, text)
                if r:
                    results.setdefault(name, []).append(r)
        print(task)
        base = None
        for name, runs in results.items():
            cpu, wall, peak = statistics.median(r[0] for r in runs), min(r[1] for r in runs), max(r[2] for r in runs)
            base = base or (cpu, wall, peak)
            print("  %-14s CPU %7.3f s   wall %7.3f s   peak %6.1f MiB   %6.1f x CPU %6.1f x wall %5.1f x memory" % (
                name, cpu, wall, peak, cpu / base[0], wall / base[1], peak / base[2]))
            if task == START:
                start_wall[name] = wall
            elif "search" in task:
                # without the start, which differs by seconds
                spent = wall - start_wall.get(name, 0)
                # where the start took longer than start and search together the machine was busy: nothing can be told
                print("  %-14s %s" % ("", "%8.0f MB/s" % (kernel_bytes(a) / 1e6 / spent) if spent > 0.01 else "   (too noisy to tell MB/s)"))
    script = os.path.join(scratch, "bench_drgn.py")
    if a.drgn and os.path.exists(script):
        os.unlink(script)
    return 0


sys.exit(main())
