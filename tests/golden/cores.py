#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""foreach on many cores puts out what it does on one, byte by byte: cores.py [--all] KANALYZE VMLINUX VMCORE

The same commands with KANALYZE_THREADS=1 and 7, as text, JSON and JSON lines; standard error and exit status, too.
"""
import os, subprocess, sys

COMMANDS = ["bt", "bt -l", "bt -f", "bt -e", "bt -g", "bt -R kthread", "files", "files -R /dev", "vm", "vm --rss", "vm -R lib", "sig", "sig -g", "task -R pid,nosuch",
            "net -s", "net -a -s", "rd jiffies 4", "rd -u 400000", "rd nosuchsymbol", "rd $rsp", "vtop -u 400000", "set", "ps -p", "bt -Q", "vm -x -d"]
# with --all: also these
MORE = ["bt -FF", "bt -t", "bt -r", "bt -V", "bt --group", "files -c", "vm -p", "vm -m", "task", "net -S", "net -s -R 4", "vtop jiffies", "ps", "files -d 0"]


def run(kanalyze, threads, form, command, files):
    words = [kanalyze, "--no-rc"] + form + ["-c", "foreach " + command] + files
    p = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, KANALYZE_THREADS=str(threads), TZ="UTC"))
    return p.returncode, p.stdout, p.stderr


def main():
    words = sys.argv[1:]
    is_all = words[0] == "--all"
    kanalyze, files = words[is_all], words[is_all + 1:]
    bad = count = 0
    for i, command in enumerate(COMMANDS + (MORE if is_all else [])):
        for form in ([], ["--json"], ["--jsonl"]) if is_all else ([], ["--jsonl" if i % 3 == 2 else "--json"]):
            count += 1
            one, many = (run(kanalyze, n, form, command, files) for n in (1, 7))
            if one != many:
                bad += 1
                print("foreach %s %s: exit status %d and %d, %d and %d bytes, %d and %d of errors" % (
                    command, " ".join(form), one[0], many[0], len(one[1]), len(many[1]), len(one[2]), len(many[2])))
    print("%d runs, %d differ" % (count, bad))
    return bad > 0


sys.exit(main())
