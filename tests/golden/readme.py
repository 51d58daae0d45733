#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The session shown in README.md is what the program prints: readme.py KANALYZE BUNDLE README [--write]

In a block that begins with "$ kanalyze vmlinux DUMP", each "kanalyze> COMMAND" is run and what follows it compared.
"""
import os, re, subprocess, sys


def main():
    kanalyze, bundle, readme = (os.path.abspath(p) for p in sys.argv[1:4])
    text = open(readme).read()
    env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", NO_COLOR="1", HOME="/nonexistent")
    compared = 0

    def block(m):
        nonlocal compared
        dump, out = m[2], [m[1]]
        for command in re.findall(r"^kanalyze> (.*)$", m[3], re.M):
            p = subprocess.run([kanalyze, "--no-rc", "-c", command, "vmlinux", dump], cwd=bundle, env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE)
            out.append("kanalyze> " + command + "\n" + p.stdout.decode())
            compared += 1
        return "".join(out) + "```"

    now = re.sub(r"(\$ kanalyze vmlinux (\S+)\n)(.*?)```", block, text, flags=re.S)
    if "--write" in sys.argv:
        open(readme, "w").write(now)
        return 0
    print("%d commands of %s compared" % (compared, os.path.basename(readme)))
    if now != text or not compared:
        print("README.md shows another session than the program: run tests/golden/readme.py with --write")
        return 1
    return 0


sys.exit(main())
