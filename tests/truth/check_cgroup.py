#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_cgroup.py KANALYZE VMLINUX VMCORE TRUTH

Compares `cgroup` with each task's own /proc/PID/cgroup, and with the files of the cgroups themselves where the truth has them."""
import re
import sys

from truth import Check, kanalyze, sections, tasks


def groups(path):
    """{pid: ["0::/x", ...]}"""
    return {pid: [line for line in t['sections']['cgroup'].splitlines() if re.match(r'\d+:.*:/', line)]
            for pid, t in tasks(path).items() if t['tgid'] == pid and 'cgroup' in t['sections']}


def files(path):
    """{hierarchy's mount point: {path: {'memory.current': text}}}"""
    result = {}
    for name, text in sections(path).items():
        m = re.match(r'(/sys/fs/cgroup|/mnt/cg1|/mnt/cg1n)(/.*)?/([a-z_]+\.[a-z_.]+)$', name)
        if m:
            result.setdefault(m[1], {}).setdefault(m[2] or '/', {})[m[3]] = text.strip()
    return result


FILES = {'memory.max': 'memory_max_bytes', 'memory.high': 'memory_high_bytes', 'memory.low': 'memory_low_bytes', 'memory.min': 'memory_min_bytes',
         'memory.current': 'memory_bytes', 'memory.peak': 'memory_peak_bytes', 'memory.swap.current': 'swap_bytes', 'memory.swap.max': 'swap_max_bytes',
         'pids.current': 'pids', 'pids.max': 'pids_max'}
MOVING = ('memory.current', 'memory.peak', 'pids.current', 'memory.swap.current')


def check_files(check, program, vmlinux, vmcore, told, living):
    tree = {'/sys/fs/cgroup' if h['controllers'] == 'cgroup2' else '/mnt/cg1n' if h['controllers'].startswith('name=') else '/mnt/cg1':
            {g['path']: g for g in h['cgroups']} for h in kanalyze(program, vmlinux, vmcore, 'cgroup -a -t')['hierarchies']}
    for top, there in told.items():
        for path, texts in there.items():
            row = tree.get(top, {}).get(path)
            check.true(f'{top} {path}', row, 'not found')
            if not row:
                continue
            for name, key in FILES.items():
                if name in texts:
                    want = None if texts[name] == 'max' else int(texts[name])
                    # the small vmlinux of a bundle has no debuginfo of that controller
                    lacks = name.startswith('pids.') and row['pids'] is None and path != '/' and 'it cannot be told here'
                    check.same(f'{top} {path} {name}', row[key], want, lacks or name in MOVING and 'it goes on')
            pids = sorted(p for p in map(int, texts.get('cgroup.procs', '').split()) if p in living)
            ours = {m['pid'] for m in row.get('members', [])}
            check.same(f'{top} {path} processes', sorted(p for p in ours if p in pids), pids)


def main():
    program, vmlinux, vmcore, truth = sys.argv[1:]
    check, want = Check(), groups(truth)
    living = {t['pid']: t for t in kanalyze(program, vmlinux, vmcore, 'ps')['tasks']}
    pids = sorted(pid for pid in want if pid in living and living[pid]['state'] not in ('ZO', 'DE'))
    doc = kanalyze(program, vmlinux, vmcore, 'cgroup -p ' + ' '.join(map(str, pids)))
    got = {t['pid']: [f"{c['id']}:{c['controllers']}:{c['path']}" for c in t['cgroups']] for t in doc['tasks']}
    for pid in pids:
        check.same(f'cgroups of PID {pid}', got.get(pid), want[pid])
    # the tree counts each task once
    tree = kanalyze(program, vmlinux, vmcore, 'cgroup -t')['cgroups']
    where = {m['pid']: g['path'] for g in tree for m in g.get('members', [])}
    for pid in pids:
        check.same(f'tree: PID {pid}', where.get(pid), want[pid][-1].split(':', 2)[2])
    check.same('tasks in the tree', sum(g['tasks'] for g in tree), len(where))
    check_files(check, program, vmlinux, vmcore, files(truth), living)
    sys.exit(check.done())


main()
