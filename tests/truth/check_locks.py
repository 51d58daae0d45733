#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_locks.py KANALYZE VMLINUX VMCORE TRUTH

Compares `files --locks` with the guest's /proc/locks, `swap` with its /proc/swaps, and what `files` says of pipes and of files
without a directory with the guest's /proc/PID/fdinfo where that has it."""
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


def fdinfos(path):
    """{pid: {fd: {key: value}}}: fdinfo is listed in the order of the names of the descriptors."""
    result, pid, section, names = {}, None, None, []
    for line in open(path, errors='replace'):
        line = line.rstrip('\n')
        head = re.search(r'##### (\w+) (\d+)', line)
        name = re.search(r'=== (.*)$', line)
        if head:
            pid, section, names = int(head[2]) if head[1] == 'PID' else None, None, []
        elif name:
            section, current = name[1].split(' ')[0], -1
            names = [] if section == 'fd' else names
        elif pid is not None and section == 'fd':
            entry = re.search(r':\d\d (\d+) -> ', line)
            if entry:
                names.append(entry[1])
        elif pid is not None and section == 'fdinfo' and ':' in line:
            key, value = line.split(':', 1)
            current += key == 'pos'
            order = sorted(names)
            if 0 <= current < len(order):
                info = result.setdefault(pid, {}).setdefault(int(order[current]), {})
                info.setdefault(key.strip(), []).append(value.strip())
    return result


def check_states(c, tasks, infos):
    for t in tasks:
        for f in t.get('files', []):
            state, info = f['state'], infos.get(t['pid'], {}).get(f['fd'])
            who = f'PID {t["pid"]} fd {f["fd"]} {f["path"]}'
            if not info or t['pid'] == 1:
                continue
            if 'eventfd-count' in info:
                c.same(f'{who} count', state['count'], int(info['eventfd-count'][0], 16))
            if 'sigmask' in info:
                c.same(f'{who} mask', state['mask'], int(info['sigmask'][0], 16))
            if 'clockid' in info:
                c.same(f'{who} clockid', state['clockid'], int(info['clockid'][0]))
            if 'it_interval' in info:
                s, ns = re.findall(r'\d+', info['it_interval'][0])
                c.same(f'{who} interval', state['interval_ns'], int(s) * 10**9 + int(ns))
            if 'Pid' in info:
                c.same(f'{who} pid', state['pid'], int(info['Pid'][0]))
            if 'tfd' in info:
                want = []
                for line in info['tfd']:
                    w = re.match(r'(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)', line)
                    want.append((int(w[1]), int(w[2], 16), int(w[3], 16)))
                c.same(f'{who} watched', sorted((w['fd'], w['events'], w['data']) for w in state['watched']), sorted(want))
            if f['type'] == 'FIFO' and state:
                c.true(f'{who} ends', state['readers'] or state['writers'], state)


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
    check_states(c, T.kanalyze(program, vmlinux, vmcore, 'foreach user files')['tasks'], fdinfos(path))
    sys.exit(c.done())


main()
