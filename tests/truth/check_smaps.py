#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_smaps.py KANALYZE VMLINUX VMCORE TRUTH

Compares `vm --rss` area by area with the guest's own /proc/PID/smaps, for the processes that the truth has one of: Rss, Pss, what is
private, anonymous, huge, of hugetlbfs, swapped out, also out of shared memory. Truths without smaps have nothing to compare."""
import re
import sys
import truth as T


def areas(text):
    """[(start, end, path, {'Rss': kB ...})]"""
    result = []
    for line in text.splitlines():
        m = re.match(r'([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \d+ *(.*)$', line)
        if m:
            result.append((int(m[1], 16), int(m[2], 16), m[3], {}))
        elif result and re.match(r'\w+: +\d+ kB', line):
            key, value = line.split(':')
            result[-1][3][key] = int(value.split()[0])
    return result


def main():
    program, vmlinux, vmcore, path = T.arguments()
    c = T.Check()
    living = {t['pid']: t for t in T.kanalyze(program, vmlinux, vmcore, 'ps')['tasks']}
    for pid, task in sorted(T.tasks(path).items()):
        if 'smaps' not in task['sections'] or pid not in living:
            continue
        document = T.kanalyze(program, vmlinux, vmcore, f'vm --rss {pid}')
        c.faults(document)
        ours = {int(v['start'], 16): v for v in document['tasks'][0]['vmas']}
        want = areas(task['sections']['smaps'])
        c.same(f'PID {pid} areas', len(ours), sum(name != '[vsyscall]' for _, _, name, _ in want))
        for start, end, name, told in want:
            if name == '[vsyscall]':    # not of the process
                continue
            v = ours.get(start)
            who = f'PID {pid} ({living[pid]["comm"]}) {start:x} {name}'
            c.true(f'{who}: there', v and int(v['end'], 16) == end, v)
            if not v:
                continue
            c.same(f'{who} Rss', v['rss_kb'], told['Rss'], name == '[vdso]' and 'a page of the kernel')
            # a page that came to be mapped by one more or less since
            c.same(f'{who} Pss', v['pss_kb'], told['Pss'],
                   (name.startswith('/') or name == '[vdso]') and abs(v['pss_kb'] - told['Pss']) <= max(2, told['Pss'] // 4) and 'other processes came and went')
            private = told['Private_Clean'] + told['Private_Dirty']
            c.same(f'{who} private', v['uss_kb'], private, (name.startswith('/') or name == '[vdso]') and private != v['uss_kb'] and told['Pss'] <= told['Rss'] // 2 and
                   'other processes came and went')
            c.same(f'{who} Anonymous', v['anon_kb'], told['Anonymous'])
            c.same(f'{who} huge', v['huge_kb'], told['AnonHugePages'] + told['ShmemPmdMapped'] + told.get('FilePmdMapped', 0))
            c.same(f'{who} hugetlb', v['hugetlb_kb'], told['Shared_Hugetlb'] + told['Private_Hugetlb'])
            c.same(f'{who} Swap', v['swap_kb'], told['Swap'])
    if not c.compared:
        print('0 compared: this truth has no smaps')
        sys.exit(0)
    sys.exit(c.done())


main()
