#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_vm.py KANALYZE VMLINUX VMCORE TRUTH

Compares what `vm` and `sig` say of each process with what the guest's /proc/PID/maps and /proc/PID/status said before it
crashed: areas, their rights, offsets and files; sizes, by the counters and by the page tables; the sets of signals. A process
that ran on after that may differ."""
import re
import sys
import truth as T

SETS = {'SigPnd': 'pending', 'ShdPnd': 'shared_pending', 'SigBlk': 'blocked'}
COUNTS = {'VmRSS': 'rss_kb', 'RssAnon': 'rss_anon_kb', 'RssFile': 'rss_file_kb', 'RssShmem': 'rss_shmem_kb', 'VmSwap': 'swap_kb',
          'VmPTE': 'tables_kb'}
SLACK_S = 1.5
MAPS = re.compile(r'([0-9a-f]+)-([0-9a-f]+) ([r-][w-][x-][ps]) ([0-9a-f]+) \S+ \d+ *(.*)$')


def read_truth(path):
    """-> (uptime when it was begun, {pid: {'comm', 'maps': [...], 'status': {...}}})"""
    with open(path, encoding='utf-8', errors='replace') as f:
        text = f.read()
    m = re.search(r'^\+\+\+ truth at ([\d.]+)', text, re.M) or re.search(r'^=== /proc/uptime\n([\d.]+)', text, re.M)
    tasks = {}
    for block in re.split(r'##### (?=[PT]ID \d)', text)[1:]:
        head, _, body = block.partition('\n')
        m_head = re.match(r'PID (\d+)', head)
        if not m_head:
            continue
        sections = {}
        for part in re.split(r'^=== |=== (?=/proc/)', body, flags=re.M)[1:]:
            name, _, content = part.partition('\n')
            sections.setdefault(re.sub(r'/\d+', '', name), content)
        status = dict(l.split(':', 1) for l in sections.get('/proc/status', '').split('\n') if ':' in l)
        # the page of vsyscalls is the same in all processes, and no area of any
        maps = [MAPS.match(l) for l in sections.get('/proc/maps', '').split('\n')]
        tasks[int(m_head[1])] = {'status': {k: v.strip() for k, v in status.items()}, 'maps': [m for m in maps if m and m[5] != '[vsyscall]']}
    return float(m[1]), tasks


def rights(flags):
    """As /proc/PID/maps shows vm_flags; VM_MAYSHARE makes it shared."""
    return ('r' if flags & 1 else '-') + ('w' if flags & 2 else '-') + ('x' if flags & 4 else '-') + ('s' if flags & 0x80 else 'p')


def check_maps(c, who, vm, maps, why):
    c.same(f'{who} areas', len(vm['vmas']), len(maps), why)
    for v, m in zip(vm['vmas'], maps):
        at = f'{who} area {m[1]}'
        start = int(v['start'], 16)
        # up to v4.11 maps leaves out the guard page, which is part of the area (1be7107fbe18)
        guard = 'its guard page' if v['flags'] & 0x100 and int(m[1], 16) == start + 4096 else None
        c.same(at, (start, int(v['end'], 16), rights(v['flags'])), (int(m[1], 16), int(m[2], 16), m[3]), why or guard)
        # others have names of their own: [heap]. The inode tells nothing: that of SysV shared memory may be 0
        has_file = m[5] != '' and m[5][0] != '['
        c.same(at + ' has a file', v['file'] is not None, has_file, why)
        if has_file:
            # maps writes line breaks and backslashes in octal
            path = re.sub(r'\\(\d{3})', lambda o: chr(int(o[1], 8)), m[5])
            c.same(at + ' file', v['path'], path, why)
            c.same(at + ' offset', v['offset'], int(m[4], 16), why)


def check_signals(c, who, sig, status, why):
    for name, key in SETS.items():
        c.same(f'{who} {name}', sig[key], int(status[name], 16), why)
    ignored = caught = 0
    for a in sig.get('actions', []):
        handler = int(a['handler'], 16)
        ignored |= (handler == 1) << a['signal'] - 1
        caught |= (handler > 1) << a['signal'] - 1
    c.same(f'{who} SigIgn', ignored, int(status['SigIgn'], 16), why)
    c.same(f'{who} SigCgt', caught, int(status['SigCgt'], 16), why)
    c.same(f'{who} threads', sig['thread_count'], int(status['Threads']), why)


def check_sizes(c, who, vm, sums, status, why, is_cached, was_short):
    """RSS by kind: the counters against /proc, and the page tables against the counters."""
    for name, key in COUNTS.items():
        if name not in status:
            continue
        want, is_ = int(status[name].split()[0]), vm[key]
        if is_ is None and key not in ('rss_kb', 'tables_kb'):     # up to v4.4 shared memory is not counted apart, and no kind is told
            continue
        if name == 'VmPTE' and 'VmPMD' in status:     # v4.0 to v4.14 tell each level
            want += int(status['VmPMD'].split()[0])
        # up to v6.1 a task keeps the counts of its last faults to itself, and /proc leaves them out: then the page tables decide
        found = sums.get(key.replace('rss_', '') if key != 'rss_kb' else key)
        cached = 'the guest leaves out what its tasks hold back' if is_cached and is_ == found and is_ > want else None
        taken = 'memory was short: pages were taken back' if was_short and is_ == found and is_ < want else None
        c.same(f'{who} {name}', is_, want, why or cached or taken)
    for key in ('rss_kb', 'rss_anon_kb', 'rss_file_kb', 'rss_shmem_kb', 'swap_kb'):
        if vm[key] is None:
            continue
        c.same(f'{who} page tables {key}', sums[key.replace('rss_', '') if key != 'rss_kb' else key], vm[key], why and 'its counters were on the move')
    c.true(f'{who} PSS and USS', sums['uss_kb'] <= sums['pss_kb'] <= sums['rss_kb'], sums)


def main():
    program, vmlinux, vmcore, path = T.arguments()
    begun, truth = read_truth(path)
    c = T.Check()
    runs = {t['pid']: t for t in T.kanalyze(program, vmlinux, vmcore, 'ps -l')['tasks']}
    pids = sorted(p for p in truth if p in runs)
    words = ' '.join(map(str, pids))
    vm, sig, rss = (T.kanalyze(program, vmlinux, vmcore, f'{command} {words}') for command in ('vm', 'sig', 'vm --rss'))
    for document in (vm, sig, rss):
        c.faults(document)
    sums = {t['pid']: t['sums'][0] for t in rss['tasks'] if t.get('sums')}
    release = T.sections(path).get('/proc/version', '').split()
    was_short = 'oom-killer' in (T.beside(path, 'dmesg-from-vmcore.txt') or '')
    is_cached = len(release) > 2 and [int(x) for x in re.findall(r'\d+', release[2])[:2]] < [6, 2]
    c.same('tasks of vm', [t['pid'] for t in vm['tasks']], pids)
    sigs = {t['pid']: t for t in sig['tasks']}
    for t in vm['tasks']:
        pid, said = t['pid'], truth[t['pid']]
        status = said['status']
        if not status:
            continue
        who = f'PID {pid} ({t["comm"]})'
        # a thread of the process is enough
        ran = runs[pid]['last_run_ns'] / 1e9 > begun - SLACK_S or int(status['Threads']) > 1
        why = 'it ran on after the truth was taken' if ran else None
        c.same(f'{who} VmSize', t['total_vm_kb'], int(status['VmSize'].split()[0]) if 'VmSize' in status else None, why)
        if t['mm'] is not None and 'VmSize' in status:
            check_sizes(c, who, t, sums[pid], status, why, is_cached, was_short)
        if said['maps'] or t['mm'] is None:
            check_maps(c, who, {'vmas': t.get('vmas', [])}, said['maps'], why)
        check_signals(c, who, sigs[pid], status, why)
    sys.exit(c.done())


main()
