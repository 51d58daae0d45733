#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""--log, --osrelease, --build-id and --minimal on the bundled dumps: one_shot.py KANALYZE BUNDLE

What needs no vmlinux is compared with what the same program says with it.
"""
import os, subprocess, sys

kanalyze, bundle = os.path.abspath(sys.argv[1]), sys.argv[2]
env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", NO_COLOR="1", HOME="/nonexistent", XDG_CACHE_HOME="/nonexistent")
failed = count = 0


def run(*words):
    p = subprocess.run([kanalyze, "--no-rc"] + list(words), cwd=bundle, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=300)
    return p.stdout.decode(), p.stderr.decode(), p.returncode


def check(what, is_true):
    global failed, count
    count += 1
    if not is_true:
        failed += 1
        print("not so:", what)


for dump in "sysrq.vmcore", "null.vmcore":
    log = run("-c", "log", "vmlinux", dump)
    check(dump + ": --log prints what log prints", len(log[0]) > 1000 and run("--log", dump) == log)
    for command in "log -t", "log -m", "log -d", "log | tail -3":
        check("%s: %s is the same without vmlinux" % (dump, command),
              run("--minimal", "-c", command, dump) == run("-c", command, "vmlinux", dump))
    check(dump + ": log as JSON is the same without vmlinux",
          run("--log", "--json", dump) == run("--json", "-c", "log", "vmlinux", dump))
    release = run("--osrelease", dump)
    check(dump + ": --osrelease is what sys says", release[2] == 0 and
          "RELEASE: " + release[0] in run("-c", "sys", "vmlinux", dump)[0])
    note = subprocess.run(["readelf", "-n", "vmlinux"], cwd=bundle, stdout=subprocess.PIPE).stdout.decode()
    build_id = run("--build-id", dump)
    check(dump + ": --build-id is that of vmlinux", build_id[2] == 0 and "Build ID: " + build_id[0] in note)
    check(dump + ": a vmlinux is refused", run("--log", "vmlinux", dump)[2] == 3)
    check(dump + ": other commands are refused", run("--log", "-c", "sys", dump)[2] == 2)
    check(dump + ": one at a time", run("--log", "--osrelease", dump)[2] == 2)
    # symbols from kallsyms, types from BTF, frames from ORC in the dump's memory
    for command in "ps", "ps -t", "mod", "files", "mount", "vm", "sig", "foreach files", "sym -l | grep ' [tT] '", "rd linux_banner 8":
        check("%s: %s is the same without vmlinux" % (dump, command),
              run("--minimal", "-c", command, dump) == run("-c", command, "vmlinux", dump))
    names = run("-c", "sys", "vmlinux", dump)[0].splitlines()
    bare = [line for line in run("--minimal", "-c", "sys", dump)[0].splitlines() if line.split(":")[0].strip() in
            ("NODENAME", "RELEASE", "VERSION", "DATE")]
    check(dump + ": the names and the date of sys", len(bare) == 4 and all(line in names for line in bare))
check("a vmlinux alone is refused", run("--log", "vmlinux")[2] == 3)
check("no dump is refused", run("--build-id")[2] == 2)
print("%d checks, %d failed" % (count, failed))
sys.exit(1 if failed else 0)
