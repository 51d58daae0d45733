#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_mod.py KANALYZE VMLINUX VMCORE TRUTH: modules, their sizes, places and taints are those of /proc/modules, and
their symbols those of /proc/kallsyms (a section of TRUTH, or kallsyms.txt beside it)."""
import re
import sys
import truth


def kallsyms(text):
    """{module: {name: {address, ...}}}"""
    result = {}
    for line in text.splitlines():
        m = re.match(r'^([0-9a-f]+) (\S) (\S+)\t\[(\S+)\]$', line)
        if m and m.group(4) not in ('bpf', '__builtin__ftrace', '__builtin__kprobes'):
            result.setdefault(m.group(4), {}).setdefault(m.group(3), set()).add(int(m.group(1), 16))
    return result


def main():
    program, vmlinux, vmcore, path = truth.arguments()
    check = truth.Check()
    document = truth.kanalyze(program, vmlinux, vmcore, 'mod')
    check.faults(document)
    have = {m['name']: m for m in document['modules']}
    want = {}
    sections = truth.sections(path)
    for line in sections.get('/proc/modules', '').splitlines():
        f = line.split()
        want[f[0]] = {'size': int(f[1]), 'state': f[4].lower(), 'base': int(f[5], 16),
                      'taints': f[6].strip('()') if len(f) > 6 else ''}
    check.same('names', sorted(have), sorted(want))
    for name in sorted(set(have) & set(want)):
        m, w = have[name], want[name]
        check.same(f'{name} size', m['size'], w['size'])
        check.same(f'{name} base', int(m['base'], 16), w['base'])
        check.same(f'{name} state', m['state'], {'live': 'live', 'loading': 'coming', 'unloading': 'going'}[w['state']])
        check.same(f'{name} taints', m['taint_letters'], w['taints'])

    # where the kernel itself says that the sections lie
    loaded = {}
    for title, content in sections.items():
        m = re.match(r'/sys/module/(\w+)/sections/(.+)$', title)
        if m:
            loaded.setdefault(m[1], {})[m[2]] = int(content, 16)
    for name, told in loaded.items():
        document = truth.kanalyze(program, vmlinux, vmcore, f'mod -g {name}')
        if 'nowhere defined' in str(document['errors']):    # the small vmlinux of arm64 has no debuginfo of them
            continue
        ours = {x['name']: int(x['addr'], 16) for x in document['modules'][0]['sections']}
        for section, address in told.items():
            check.same(f'{name} section {section}', ours.get(section), address)

    text = sections.get('/proc/kallsyms selection') or truth.beside(path, 'kallsyms.txt')
    if text:
        symbols = kallsyms(text)
        for name in sorted(symbols):
            document = truth.kanalyze(program, vmlinux, vmcore, f'sym -m {name}')
            found = {}
            for s in document['symbols']:
                found.setdefault(s['name'], set()).add(int(s['addr'], 16))
            for symbol, addresses in symbols[name].items():
                # Labels of the compiler and section ends are no symbols.
                if symbol.startswith(('.L', 'L0', '$')):
                    continue
                check.same(f'{name} {symbol}', sorted(found.get(symbol, set())), sorted(addresses))
    return check.done()


sys.exit(main())
