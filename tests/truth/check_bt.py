#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stacks of sleeping tasks against what the guest read from /proc/PID/stack: function by function, with offsets.

check_bt.py KANALYZE VMLINUX VMCORE TRUTH

/proc leaves out the functions of .sched.text, so these are left out here too. A task that was on a CPU at the crash, or that ran
again after its stack was written down (by its last arrival on a CPU), has moved on: counted apart. So are stacks that the kernel
itself could not follow further than to the code of a return probe or of the function graph tracer, when ours go on from there.
"""
import json, re, subprocess, sys


def documents(kanalyze, vmlinux, vmcore, commands):
    words = [kanalyze, "--no-rc", "--json"]
    for c in commands:
        words += ["-c", c]
    p = subprocess.run(words + [vmlinux, vmcore], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
    return [json.loads(line) for line in p.stdout.decode().splitlines() if line.strip()]


def truth_stacks(path):
    """pid -> [(function, offset)], and the uptime at which the writing began"""
    stacks, pid, uptime, collecting = {}, None, 0.0, False
    for line in open(path, errors="replace"):
        line = line.rstrip("\n")
        m = re.match(r"\+\+\+ truth at ([0-9.]+)", line)
        if m:
            uptime = float(m[1])
        if line == "=== /proc/uptime" and not uptime:
            uptime = None
        elif uptime is None:
            uptime = float(line.split()[0])
        m = re.match(r"=== /proc/(?:\d+/task/)?(\d+)/stack$", line)
        if m:
            pid, collecting = int(m[1]), True
            stacks[pid] = []
            continue
        if line.startswith("===") or line.startswith("#####"):
            collecting = False
        m = re.match(r"\[<[0-9a-f]+>\] (\S+?)\+(0x[0-9a-f]+)/0x[0-9a-f]+", line)
        if collecting and m:
            stacks[pid].append((m[1], int(m[2], 16)))
    return {p: s for p, s in stacks.items() if s}, uptime


def main():
    kanalyze, vmlinux, vmcore, truth = sys.argv[1:5]
    stacks, uptime = truth_stacks(truth)
    start, end, ps = documents(kanalyze, vmlinux, vmcore, ["sym __sched_text_start", "sym __sched_text_end", "ps -l"])
    sched = [int(d["symbols"][0]["addr"], 16) for d in (start, end)]
    last = {}
    for group in (v for k, v in ps.items() if isinstance(v, list) and k != "errors"):
        for row in group:
            for key in ("last_run", "last_arrival", "last_run_ns", "last_arrival_ns"):
                if key in row:
                    last[row["pid"]] = row[key] / 1e9
    bt = documents(kanalyze, vmlinux, vmcore, ["bt " + " ".join(str(p) for p in sorted(stacks))])[0]
    ours = {s["pid"]: s for s in bt["stacks"]}
    # several names of one address (__x64_sys_pause, __do_sys_pause): the kernel and we may choose different ones
    names = sorted({w[0] for s in stacks.values() for w in s})
    places = {}
    for name, d in zip(names, documents(kanalyze, vmlinux, vmcore, ["sym " + n for n in names])):
        places[name] = {int(row["addr"], 16) for row in d.get("symbols", [])}
    hooks = ["return_to_handler", "kretprobe_trampoline", "__kretprobe_trampoline", "arch_rethook_trampoline"]
    hooks = {int(row["addr"], 16) for d in documents(kanalyze, vmlinux, vmcore, ["sym " + n for n in hooks]) for row in d.get("symbols", [])}
    equal, moved, gone, cut, wrong = 0, [], [], [], []

    def same(frames, words):
        return len(frames) == len(words) and all(f["offset"] == w[1] and (f["function"] == w[0] or int(f["ip"], 16) - w[1] in places[w[0]])
                                                 for f, w in zip(frames, words))
    for pid, want in sorted(stacks.items()):
        stack = ours.get(pid)
        if not stack:
            gone.append(pid)
            continue
        frames = [f for f in stack.get("frames", []) if not sched[0] <= int(f["ip"], 16) - 1 < sched[1]]
        have = [(f["function"], f["offset"]) for f in frames]
        if same(frames, want):
            equal += 1
        elif len(frames) >= len(want) and same(frames[:len(want) - 1], want[:-1]) and any(a + want[-1][1] in hooks for a in places[want[-1][0]]):
            cut.append(pid)
        elif stack["active"] or last.get(pid, 0) > uptime:
            moved.append(pid)
        else:
            wrong.append(pid)
            print("PID %d (%s):\n  /proc:    %s\n  kanalyze: %s" % (pid, stack["comm"], " ".join("%s+%#x" % w for w in want),
                  " ".join("%s+%#x" % h if h[0] else "?" for h in have)))
    print("stacks: %d compared, %d equal, %d moved on since (%s), %d ended since (%s), %s%d differ" % (len(stacks), equal, len(moved),
          " ".join(map(str, moved)), len(gone), " ".join(map(str, gone)), "%d cut short by the kernel at a hook, " % len(cut) if cut else "", len(wrong)))
    return 1 if wrong or not equal else 0


sys.exit(main())
