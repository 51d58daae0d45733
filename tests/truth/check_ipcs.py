#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_ipcs.py KANALYZE VMLINUX VMCORE TRUTH

Compares `ipcs -M -s -q` with the guest's own /proc/sysvipc/{shm,sem,msg}: every column but a semaphore's otime."""
import sys

from truth import Check, arguments, kanalyze, sections

SAME = {name: name for name in ('key', 'uid', 'gid', 'cuid', 'cgid', 'ctime', 'nattch', 'cpid', 'lpid', 'atime', 'dtime', 'nsems',
                                'lspid', 'lrpid', 'stime', 'rtime')}
KINDS = {'shm': ('shared_memory', 'shmid', {'size': 'bytes', 'rss': 'resident', 'swap': 'swapped'}),
         'sem': ('semaphores', 'semid', {}),
         'msg': ('message_queues', 'msqid', {'cbytes': 'used_bytes', 'qnum': 'messages'})}


def main():
    program, vmlinux, vmcore, truth = arguments()
    check, want = Check(), sections(truth)
    doc = kanalyze(program, vmlinux, vmcore, 'ipcs -M -s -q')
    page = kanalyze(program, vmlinux, vmcore, 'mach')['machine'][0]['page_size']
    check.faults(doc)
    for kind, (rows, ident, names) in KINDS.items():
        lines = [line.split() for line in want[f'/proc/sysvipc/{kind}'].splitlines()]
        ours = {row[ident]: row for row in doc.get(rows, [])}
        check.same(f'{kind}: how many', len(ours), len(lines) - 1)
        for line in lines[1:]:
            told = dict(zip(lines[0], line))
            row = ours.get(int(told[ident]), {})
            check.same(f'{kind} {told[ident]} perms', row.get('perms'), int(told['perms'], 8) & 0o777)
            for name, value in told.items():
                key = {**SAME, **names}.get(name)
                if key:
                    is_ = row.get(key) or 0     # null: never, unknown
                    check.same(f'{kind} {told[ident]} {name}', is_ * page if name in ('rss', 'swap') else is_, int(value))
    sys.exit(check.done())


main()
