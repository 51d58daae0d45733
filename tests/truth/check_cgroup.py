#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_cgroup.py KANALYZE VMLINUX VMCORE TRUTH

Compares `cgroup` with each task's own /proc/PID/cgroup."""
import re
import sys

from truth import Check, kanalyze


def groups(path):
    """{pid: ["0::/x", ...]}"""
    result, pid, is_in = {}, None, False
    with open(path, errors='replace') as f:
        for line in f:
            line = line.rstrip('\n')
            head = re.search(r'##### (PID|TID) (\d+)', line)
            if head:
                pid, is_in = int(head[2]) if head[1] == 'PID' else None, False
                continue
            name = re.search(r'=== (.*)$', line)
            if name:
                is_in = pid is not None and name[1] == f'/proc/{pid}/cgroup' or name[1] == 'cgroup'
                continue
            if is_in and pid is not None and re.match(r'\d+:.*:/', line):
                result.setdefault(pid, []).append(line)
    return result


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
    sys.exit(check.done())


main()
