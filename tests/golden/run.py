#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command on every bundled dump, as text and as JSON, against the files below this folder.

run.py KANALYZE BUNDLE [--bless] [CASE...]     (beside BUNDLE lies BUNDLE-arm64)

cases holds one command a line: NAME: COMMAND (NAME+: as text alone, as are commands with a pipe). DUMP/NAME.txt and DUMP/NAME.json are what it prints, errors
and exit status behind. --bless writes them anew: read the diff, and know from the ground truth that it is right.
"""
import concurrent.futures, difflib, json, os, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
DUMPS = {"sysrq": ("", "sysrq.vmcore"), "null": ("", "null.vmcore"), "arm64": ("-arm64", "null.vmcore")}  # bundle, file


def cases():
    for line in open(os.path.join(here, "cases")):
        line = line.rstrip("\n")
        if line and not line.startswith("#"):
            name, _, command = line.partition(": ")
            is_text = name.endswith("+") or "|" in command or command.startswith("!")
            yield name.rstrip("+"), command, ("txt",) if is_text else ("txt", "json")


def run(kanalyze, bundle, dump, command, is_json, cache):
    env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", NO_COLOR="1", HOME="/nonexistent", XDG_CACHE_HOME=cache)
    words = [kanalyze, "--no-rc"] + (["--json"] if is_json else []) + ["-c", command, "vmlinux", dump]
    p = subprocess.run(words, cwd=bundle, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    out = p.stdout.decode("utf-8", "backslashreplace")
    if is_json:
        for line in out.splitlines():
            if line.strip():
                json.loads(line)    # each line is a document
    err = p.stderr.decode("utf-8", "backslashreplace")
    return out + ("--- standard error\n" + err if err else "") + ("--- exit status %d\n" % p.returncode if p.returncode else "")


def main():
    words = [w for w in sys.argv[1:] if w != "--bless"]
    bless = "--bless" in sys.argv
    kanalyze, bundle, wanted = os.path.abspath(words[0]), words[1], words[2:]
    passed = failed = 0
    known, jobs = set(), []
    with tempfile.TemporaryDirectory() as cache, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for dump, (suffix, file) in DUMPS.items():
            os.makedirs(os.path.join(here, dump), exist_ok=True)
            for name, command, kinds in cases():
                for kind in kinds:
                    golden = os.path.join(here, dump, name + "." + kind)
                    known.add(golden)
                    if not wanted or name in wanted:
                        jobs.append((golden, "%s on %s (%s)" % (command, dump, kind), pool.submit(
                            run, kanalyze, bundle.rstrip("/") + suffix, file, command, kind == "json", cache)))
        for golden, what, job in jobs:
            now = job.result()
            if bless:
                open(golden, "w").write(now)
                continue
            then = open(golden).read() if os.path.exists(golden) else ""
            if now == then:
                passed += 1
                continue
            failed += 1
            print("differs:", what)
            sys.stdout.writelines(list(difflib.unified_diff(then.splitlines(True), now.splitlines(True), golden, "now"))[:40])
    for dump in DUMPS:
        for file in os.listdir(os.path.join(here, dump)):
            path = os.path.join(here, dump, file)
            if path not in known:
                print("no case makes", path)
                failed += 1
                if bless:
                    os.unlink(path)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed and not bless else 0


sys.exit(main())
