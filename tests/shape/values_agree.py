#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values of structs and unions at random addresses, member by member, against drgn: integers, bit fields, bools, enums, pointers, char arrays.

values_agree.py KANALYZE VMLINUX VMCORE [--count N] [--seed N] [--drgn PROGRAM]    (needs drgn and pahole; by hand: half a minute)

What lies there need not be of that type: bits that make no sense test more. Types of one name in several files may be another's in drgn:
they are left out. Char arrays that are no UTF-8 are compared as far as they are.
"""
import argparse, json, os, random, re, subprocess, sys, tempfile

DRGN = r'''
import json, os, random
from drgn import FaultError, Object, TypeKind as K, sizeof
from drgn.helpers.linux.pid import for_each_task
job = json.load(open(os.environ["KA_JOB"]))
random.seed(job["seed"])

def plain(t):
    while t.kind == K.TYPEDEF:
        t = t.type
    return t

def members(o, t, d):
    for m in t.members or ():
        if m.name is None:
            if plain(m.type).kind in (K.STRUCT, K.UNION):
                members(Object(prog, m.type, address=o.address_ + m.offset), plain(m.type), d)
        elif m.bit_field_size is not None:
            d[m.name] = value(Object(prog, m.type, address=o.address_ + m.bit_offset // 8, bit_offset=m.bit_offset % 8, bit_field_size=m.bit_field_size))
        else:
            d[m.name] = value(Object(prog, m.type, address=o.address_ + m.offset))
    return d

def value(o):
    t = plain(o.type_)
    try:
        if t.kind in (K.STRUCT, K.UNION):
            return ["struct", members(o, t, {})]
        if t.kind == K.ARRAY:
            n, e = t.length or 0, plain(t.type)
            if n and e.kind == K.INT and e.name == "char":
                return ["text", prog.read(o.address_, n).rstrip(b"\0").hex()]
            size = sizeof(t.type) if n else 0
            return ["list", [value(Object(prog, t.type, address=o.address_ + i * size)) for i in range(n)]]
        if t.kind == K.POINTER:
            return ["pointer", o.value_()]
        if t.kind == K.BOOL:
            return ["bool", bool(o.value_())]
        if t.kind in (K.INT, K.ENUM):
            return ["int" if t.kind == K.INT else "enum", o.value_()]
    except FaultError:
        pass
    return ["none", None]

tasks = [t.value_() for t in for_each_task(prog)]
with open(job["out"], "w") as out:
    for _ in range(job["count"]):
        name = random.choice(job["types"])
        try:
            t = plain(prog.type(name))
            if not t.is_complete() or sizeof(t) > 20000:
                continue
        except (LookupError, SyntaxError, TypeError):
            continue
        while True:
            near = random.random() < 0.3
            at = (random.choice(tasks) if near else random.choice(tasks) & ~0x3fffffff) + random.randrange(0, 8192 if near else 1 << 30)
            at &= ~7 if random.random() < 0.9 else ~0
            try:
                if prog.read(at, 64).count(0) < 48:
                    break
            except FaultError:
                pass
        out.write(json.dumps([name, at, value(Object(prog, t, address=at))]) + "\n")
'''


def differs(theirs, ours):
    """What is not the same, as a path; None: nothing. What drgn cannot read or does not know is not compared."""
    kind, v = theirs
    if kind == "none":
        return None
    if kind == "struct":
        if not isinstance(ours, dict) or list(v) != list(ours):
            return ": members"
        return next(("." + m + d for m in v for d in [differs(v[m], ours[m])] if d), None)
    if kind == "list":
        if not isinstance(ours, list) or len(v) != len(ours):
            return ": elements"
        return next(("[%d]%s" % (i, d) for i in range(len(v)) for d in [differs(v[i], ours[i])] if d), None)
    if kind == "text":
        raw = bytes.fromhex(v)
        return None if ours is not None and raw.decode("utf-8", "replace").split("\ufffd")[0] == ours.split("\ufffd")[0] else ": %r, ours %r" % (raw, ours)
    if kind == "pointer" and isinstance(ours, dict):	# to a function, to char
        ours = ours.get("address")
    if kind == "enum" and isinstance(ours, dict):
        ours = ours["value"]
    if isinstance(ours, str):	# addresses; integers of 128 bits
        ours = int(ours, 16)
        v &= (1 << 128 if kind == "int" else 1 << 64) - 1
    return None if v == ours and type(v) == type(ours) else ": %s, ours %s" % (v, ours)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for word in ("kanalyze", "vmlinux", "vmcore"):
        p.add_argument(word)
    p.add_argument("--count", type=int, default=5000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--drgn", default="drgn")
    args = p.parse_args()
    text = subprocess.run(["pahole", "-F", "btf", args.vmlinux], stdout=subprocess.PIPE).stdout.decode()
    types = sorted(set(re.findall(r"^((?:struct|union) \w+) \{", text, re.M)))
    # beside the dump: drgn may see no other folder
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        job, script, out = (os.path.join(folder, n) for n in ("job", "script.py", "out"))
        json.dump({"types": types, "count": args.count, "seed": args.seed, "out": out}, open(job, "w"))
        with open(script, "w") as f:
            f.write(DRGN)
        subprocess.run([args.drgn, "-q", "-c", args.vmcore, "-s", args.vmlinux, script], env=dict(os.environ, KA_JOB=job), check=True)
        rows = [json.loads(line) for line in open(out)]
    names = sorted({r[0] for r in rows})
    run = lambda lines, *options: subprocess.run([args.kanalyze, "--no-rc", *options, "-i", "/dev/stdin", args.vmlinux, args.vmcore],
                                                 input="\n".join(lines) + "\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                                 encoding="utf-8", errors="replace").stdout.splitlines()
    twins = set(re.findall(r"^\d+ types are called (\w+);", "\n".join(run(names)), re.M))
    rows = [r for r in rows if r[0].split()[1] not in twins]
    answers = [json.loads(line) for line in run(["%s %x" % (r[0], r[1]) for r in rows], "--json") if line.startswith("{")]
    bad = 0
    for (name, at, theirs), answer in zip(rows, answers):
        what = differs(theirs, answer["structs"][0]["value"]) if answer.get("structs") else ": not shown"
        if what:
            bad += 1
            if bad <= 20:
                print("%s %#x%s" % (name, at, what))
    print("%d values of %d types, %d differ; %d answers" % (len(rows), len(names), bad, len(answers)))
    return 1 if bad or len(answers) != len(rows) else 0


sys.exit(main())
