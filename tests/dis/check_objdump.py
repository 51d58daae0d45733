#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Instruction boundaries and branch targets of random functions against objdump, on the bytes of the dump.

usage: check_objdump.py KANALYZE VMLINUX VMCORE [--count N] [--seed N] [--objdump PROGRAM] [--show N]

Without an objdump for the architecture the test is skipped (exit status 77)."""
import argparse, json, os, random, re, shutil, subprocess, sys, tempfile
from collections import Counter


def kanalyze(args, commands):
    out = subprocess.run([args.kanalyze, "--no-rc", "--json", "-i", "/dev/stdin", args.vmlinux, args.vmcore],
                         input="\n".join(commands) + "\n", capture_output=True, text=True, check=False)
    return [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{")]


def functions(args):
    (symbols,) = kanalyze(args, ["sym -l"])
    rows = [s for s in symbols["symbols"] if s["type"] in "tT" and s.get("size") and not s["percpu"]]
    named = Counter(s["name"] for s in rows)
    end = max((int(s["addr"], 16) for s in symbols["symbols"] if s["name"] == "_etext"), default=1 << 64)
    rows = [s for s in rows if named[s["name"]] == 1 and s["size"] < 65536 and (s["module"] or int(s["addr"], 16) < end)]
    random.seed(args.seed)
    return random.sample(rows, min(args.count, len(rows)))


BRANCH = re.compile(r"^(?:(?:bnd|notrack|cs|ds|rex\.\w+|data16|lock|repz|repnz|addr32)\s+)*(?:call|jmp|j[a-z]+|loop\w*|xbegin|b|bl|b\.\w+|cbn?z|tbn?z)[,a-z]*$")


def reference(args, arch, code):
    """address -> (length, target or None) as objdump has it; one run for all functions."""
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        for start, raw in code:
            path = os.path.join(folder, "code")
            with open(path, "wb") as f:
                f.write(raw)
            machine = ["-m", "i386:x86-64"] if arch == "x86_64" else ["-m", "aarch64"]
            text = subprocess.run([args.objdump, "-D", "-b", "binary", *machine, "--adjust-vma", hex(start), "-w", path],
                                  capture_output=True, text=True, check=True).stdout
            for line in text.splitlines():
                m = re.match(r"\s*([0-9a-f]+):\t([0-9a-f ]+)\t?(.*)", line)
                if not m:
                    continue
                words = m[2].split()
                length = len(words) if arch == "x86_64" else 4
                insn = m[3].split("//")[0].strip() if arch != "x86_64" else m[3].split("#")[0].strip()
                part = re.split(r"\s+", insn)
                target = None
                operand = part[-1].rsplit(",", 1)[-1]
                mnemonic = " ".join(p for p in part[:-1] if not p.startswith(("x", "w", "#"))) if arch != "x86_64" else " ".join(part[:-1])
                if BRANCH.match(mnemonic.strip()) and re.fullmatch(r"0x[0-9a-f]+", operand):
                    target = int(operand, 16)
                result[int(m[1], 16)] = (length, target, insn)
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("kanalyze")
    p.add_argument("vmlinux")
    p.add_argument("vmcore")
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--objdump")
    p.add_argument("--show", type=int, default=10)
    args = p.parse_args()
    with open(args.vmlinux, "rb") as f:
        arch = {62: "x86_64", 183: "aarch64"}[int.from_bytes(f.read(20)[18:20], "little")]
    if not args.objdump:
        names = [f"{arch.replace('_', '-')}-linux-gnu-objdump", "objdump"]
        args.objdump = next((shutil.which(n) for n in names if shutil.which(n)), None)
    if not args.objdump:
        print("no objdump")
        return 77
    picked = functions(args)
    answers = kanalyze(args, [f"dis {s['name']}" for s in picked])
    code, ours = [], {}
    for answer in answers:
        rows = answer["instructions"]
        if not rows:
            continue
        code.append((int(rows[0]["addr"], 16), b"".join(bytes.fromhex(r["bytes"]) for r in rows)))
        for r in rows:
            ours[int(r["addr"], 16)] = (len(r["bytes"]) // 2, int(r["target"], 16) if r["target"] else None, r["text"])
    theirs = reference(args, arch, code)
    bad_bounds = sorted(set(ours) ^ set(theirs)) + [a for a in ours if a in theirs and ours[a][0] != theirs[a][0]]
    bad_targets = [a for a in ours if a in theirs and ours[a][1] != theirs[a][1]]
    unknown = [a for a in ours if ours[a][2].startswith(("(", ".inst"))]
    print(f"{len(code)} functions, {len(ours)} instructions, {sum(1 for a in ours if ours[a][1])} targets: "
          f"{len(bad_bounds)} boundaries and {len(bad_targets)} targets differ, {len(unknown)} without a name")
    for a in (bad_bounds + bad_targets)[:args.show] + unknown[:args.show]:
        print(f"  {a:#x}: kanalyze {ours.get(a)}, objdump {theirs.get(a)}")
    return 1 if bad_bounds or bad_targets or not code else 0


if __name__ == "__main__":
    sys.exit(main())
