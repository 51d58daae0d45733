#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_locks.py KANALYZE VMLINUX VMCORE TRUTH

Compares `files --locks` with the guest's /proc/locks, and `swap` with its /proc/swaps."""
import re
import sys
import truth as T


def check_locks(c, ours, truth):
    theirs = []
    for line in truth.splitlines():
        words = line.split()
        waits = words[1] == '->'
        del words[1:2 if waits else 1]
        end = None if words[7] == 'EOF' else int(words[7])
        device, ino = words[5].rsplit(':', 1)
        theirs.append((int(words[0].rstrip(':')), waits, words[1], words[2], words[3], int(words[4]), device, int(ino), int(words[6]), end))
    c.same('locks', len(ours), len(theirs))
    # the lists are per CPU, and newest first: the order is theirs, too
    for l, want in zip(ours, theirs):
        is_ = (l['number'], l['is_waiting'], l['kind'], l['state'], l['mode'], l['pid'], l['device'], l['ino'], l['start'], l['end'])
        for name, a, b in zip(('number', 'waits', 'kind', 'state', 'mode', 'pid', 'device', 'ino', 'start', 'end'), is_, want):
            c.same(f'lock {want[0]} of {want[5]}: {name}', a, b)


def check_swaps(c, ours, truth):
    theirs = [line.split() for line in truth.splitlines()[1:]]
    c.same('swaps', len(ours), len(theirs))
    for s, want in zip(ours, theirs):
        c.same('swap file', s['filename'], want[0])
        c.same(f'{want[0]} type', s['type'].lower(), want[1])
        c.same(f'{want[0]} size', s['size_kb'], int(want[2]))
        # pages go out and come back until the end
        c.same(f'{want[0]} used', s['used_kb'], int(want[3]), 'swapped after the truth was taken')
        c.same(f'{want[0]} priority', s['priority'], int(want[4]))


def main():
    program, vmlinux, vmcore, path = T.arguments()
    c = T.Check()
    sections = T.sections(path)
    locks = T.kanalyze(program, vmlinux, vmcore, 'files --locks')
    c.faults(locks)
    check_locks(c, locks['locks'], sections.get('/proc/locks', ''))
    if '/proc/swaps' in sections:
        swap = T.kanalyze(program, vmlinux, vmcore, 'swap')
        c.faults(swap)
        check_swaps(c, swap['swaps'] if 'swaps' in swap else next(v for k, v in swap.items() if isinstance(v, list)), sections['/proc/swaps'])
    sys.exit(c.done())


main()
