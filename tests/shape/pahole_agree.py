#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Structs and unions as `struct -o` shows them, against pahole: size, and offset, bit size and type text of each member.

pahole_agree.py KANALYZE VMLINUX VMCORE    (needs pahole of the package dwarves; by hand: it takes a minute)

Names that several types bear are left out. Told apart only by white space, the order of "long unsigned int", bounds of 0, and
dimensions (pahole's BTF has one number of all), const, and pointers to arrays (of which pahole drops the array) is taken for equal.
A member without a name that is of a named struct (-fms-extensions, Linux 7.x: "struct freelist_counters ;") pahole leaves closed, and we
open it as C does: in place of it stand the members that pahole itself has for that struct.
"""
import collections, re, subprocess, sys, tempfile

WORDS = [(r"\blong long unsigned int\b", "unsigned long long"), (r"\blong unsigned int\b", "unsigned long"), (r"\bshort unsigned int\b", "unsigned short"),
         (r"\blong long int\b", "long long"), (r"\blong int\b", "long"), (r"\bshort int\b", "short"), (r"\b_Bool\b", "bool"),
         (r"\b__int128 unsigned\b", "unsigned __int128"), (r"\s*__attribute__\(\(\w+(\(\d+\))?\)\)", ""), (r"\bconst const\b", "const")]


NAMELESS = "@"


def opened(found, members, depth=0):
    """members with those of named structs that have no name of their own in place of these"""
    for offset, bits, decl in members:
        inner = found.get(tuple(decl[1:].split(" ", 1))) if decl.startswith(NAMELESS) else None
        if inner and depth < 16:
            yield from ((offset + o, b, d) for o, b, d in opened(found, inner[1], depth + 1))
        else:
            yield offset, bits, decl


def plain(decl):
    # of a pointer to an array pahole says that it is one, of a const pointer or array not where the const stands
    decl = re.sub(r"\(\*(const )?(\w+)\)(\[\d*\])+", r"*\2", re.sub(r"\bconst\b ?", "", decl))
    for a, b in WORDS:
        decl = re.sub(a, b, decl)
    # of a pointer to a function with a qualifier: "int ()(int) * name"
    decl = re.sub(r"^(.*\S)\s*\(\)\s*(\(.*\))\s*\*\s*(\w+)$", r"\1 (*\3)\2", decl)
    def product(m):
        n = 1
        for x in re.findall(r"\d+", m.group(0)):
            n *= int(x)
        return "[%d]" % n if "[]" not in m.group(0) else "[0]"
    return re.sub(r"\s+", "", re.sub(r"(\[\d*\])+", product, decl))


def read(text, is_ours):
    """{(kind, name): (size, [(offset, bits, declaration)])}; names met twice are taken out"""
    found, twice, key = {}, set(), None
    for line in text.splitlines():
        # pahole shows the first of several of one name alone, BTF's first; we DWARF's
        m = re.match(r"\d+ types are called (struct|union) (\w+);", line)
        if m and is_ours:
            twice.add((m.group(1), m.group(2)))
        m = re.match(r"(struct|union) (\w+) \{", line)
        if m and not line[0].isspace():
            key, members, size, starts, extent = (m.group(1), m.group(2)), [], None, [], 0
            continue
        if key is None:
            continue
        if is_ours:
            m = re.match(r"\s*\[(\d+)\]\s+(.*);$", line)
            if m and not m.group(2).startswith("}"):
                decl, bits = (m.group(2).rsplit(" : ", 1) + [""])[:2]
                members.append((int(m.group(1)), int(bits or 0), plain(decl)))
            m = re.match(r"SIZE: (\d+)$", line)
        else:
            # what a pointer to a struct without a name leads to lies elsewhere: these are no members
            if line.rstrip().endswith("{"):
                starts.append(len(members))
            elif line.lstrip().startswith("}") and starts:
                start = starts.pop()
                if re.match(r"\s*\}.*\*", line.split(";")[0]):
                    del members[start:]
            m = re.search(r"/\*\s*(\d+)(?::\s*\d+)?\s+(\d+)\s*\*/", line)
            if m and not starts:
                extent = max(extent, int(m.group(1)) + int(m.group(2)))
            m = re.match(r"\s+(.*);\s*/\*\s*(\d+)(?::\s*(\d+))?\s+\d+\s*\*/", line)
            if m and not m.group(1).startswith("}"):
                decl, bits = m.group(1), 0
                b = re.match(r"(.*?):(\d+)$", decl)
                if b:
                    decl, bits = b.group(1), int(b.group(2))
                tag = re.match(r"((?:struct|union) \w+)$", re.sub(WORDS[-2][0], "", decl).strip())
                if tag:
                    members.append((int(m.group(2)), 0, NAMELESS + tag.group(1)))
                elif decl.strip():
                    members.append(((int(m.group(2)) * 8 + int(m.group(3) or 0)) // 8, bits, plain(decl)))
            m = re.match(r"\t/\* size: (\d+),", line)
            # of unions it tells no size: the largest member's
            if line.startswith("}") and key[0] == "union":
                m = re.match("(.*)", str(extent))
        if m and (is_ours or "size:" in line or line.startswith("}")):
            size = int(m.group(1))
            if key in found:
                twice.add(key)
            found[key] = (size, members)
            key = None
    found = {k: v for k, v in found.items() if k not in twice}
    return twice, {k: (size, list(opened(found, members))) for k, (size, members) in found.items()}


def main():
    kanalyze, vmlinux, vmcore = sys.argv[1:4]
    _, theirs = read(subprocess.run(["pahole", "-F", "btf", vmlinux], stdout=subprocess.PIPE).stdout.decode(), False)
    with tempfile.NamedTemporaryFile("w", suffix=".cmd") as f:
        f.writelines("struct -o %s %s\n" % k for k in sorted(theirs))
        f.flush()
        p = subprocess.run([kanalyze, "--no-rc", "-i", f.name, vmlinux, vmcore], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    twins, ours = read(p.stdout.decode(), True)
    counts, told = collections.Counter(), 0
    for k, (size, members) in sorted(theirs.items()):
        bad = []
        if k in twins:
            counts["twins"] += 1
            continue
        if k not in ours:
            bad.append("not shown")
        else:
            mine = collections.Counter(ours[k][1])
            # pahole tells no size of a union: the largest member's, and padding up to some alignment
            sizes = [-(-size // a) * a for a in (1, 2, 4, 8)] if k[0] == "union" else [size]
            if ours[k][0] not in sizes:
                bad.append("size %d, pahole %d" % (ours[k][0], size))
            # what has no name is opened one level deep by `struct`, wholly by pahole
            rest = collections.Counter(members) - mine
            extra = [m for m in (mine - collections.Counter(members)) if "{...}" not in m[2] and not m[2].startswith("enum{")]
            counts["members"] += sum(mine.values())
            bad += ["%d:%d %s not in pahole's" % m for m in extra]
            if not any("{...}" in m[2] for m in mine):
                bad += ["%d:%d %s only in pahole's" % m for m in rest if not m[2].startswith("enum{") and "__SIZE" not in m[2]]
        counts["types"] += 1
        counts["differ"] += bool(bad)
        for b in bad[:3]:
            if told < 40:
                print("%s %s: %s" % (k + (b,)))
            told += 1
    print("%d types, %d members, %d of several types of one name left out, %d types differ" %
          tuple(counts[w] for w in ("types", "members", "twins", "differ")))
    return 1 if counts["differ"] else 0


sys.exit(main())
