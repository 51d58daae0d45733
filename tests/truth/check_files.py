#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_files.py KANALYZE VMLINUX VMCORE TRUTH

Compares `files` of each process and `mount` with the guest's own /proc/PID/{fd,fdinfo,cwd,root,ns} and /proc/mounts. The shell that
wrote the truth (PID 1), its tools and what was busy went on before the end: their descriptors are not of the same moment."""
import re
import sys

from truth import Check, kanalyze, sections

O_CLOEXEC = 0o2000000   # of the descriptor, not of the file: /proc/PID/fdinfo adds it to the flags
SHARED = ('/tmp/init.log', '/mnt/truth/truth.txt')      # several processes write to them: the offset moves
SHOWN = ('ro', 'rw', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime', 'nosymfollow')


def unescape(path):
    """/proc/mounts writes blanks as octal."""
    return re.sub(r'\\([0-7]{3})', lambda m: chr(int(m[1], 8)), path)


def processes(path):
    """{pid: {'fd': {number: path}, 'info': [{...} in the order of the listing], 'cwd':, 'root':}}"""
    result, task, section = {}, None, None
    with open(path, errors='replace') as f:
        for line in f:
            line = line.rstrip('\n')
            head = re.search(r'##### (\w+) (\d+)', line)
            if head:
                # a thread's block is of its own: it shares the table of its leader
                task = result.setdefault(int(head[2]), {'fd': {}, 'info': []}) if head[1] == 'PID' else None
                section = None
                continue
            name = re.search(r'=== (.*)$', line)
            if name:
                section = name[1].split(' ')[0]
                continue
            if task is None:
                continue
            namespace = re.search(r' (cgroup|ipc|mnt|net|pid|time|user|uts) -> \w+:\[(\d+)\]$', line)
            if section == 'ns' and namespace:
                task.setdefault('ns', {})[namespace[1]] = int(namespace[2])
            link = re.search(r' /proc/\d+/(cwd|root) -> (.*)$', line)
            if link:
                task[link[1]] = link[2]
            elif section == 'fd':
                entry = re.search(r':\d\d (\d+) -> (.*)$', line)
                if entry:
                    task['fd'][int(entry[1])] = entry[2]
            elif section == 'fdinfo':
                key, _, value = line.partition(':')
                if key == 'pos' and '\t' in value:
                    task['info'].append({})
                if task['info'] and key in ('pos', 'flags', 'mnt_id', 'ino') and key not in task['info'][-1]:
                    task['info'][-1][key] = value.strip()
    return result


def check_process(check, pid, ours, truth, moved):
    who = f'PID {pid} ({ours["comm"]})'
    for key in ('cwd', 'root'):
        if key in truth:
            check.same(f'{who} {key}', ours[key], truth[key], moved)
    files = {row['fd']: row for row in ours['files']} if ours.get('files') else {}
    if not truth['fd'] and not truth['info']:
        return
    for fd in sorted(set(files) | set(truth['fd'])):
        path = files[fd]['path'] if fd in files else None
        check.same(f'{who} fd {fd}', path, truth['fd'].get(fd), moved)
    listed = sorted(truth['fd'], key=str)
    if len(listed) != len(truth['info']):
        return      # one came or went between the two listings
    for fd, info in zip(listed, truth['info']):
        row = files.get(fd)
        if not row or row['path'] != truth['fd'][fd]:
            continue
        check.same(f'{who} fd {fd} flags', row['flags'] | (O_CLOEXEC if row['is_cloexec'] else 0), int(info['flags'], 8), moved)
        if 'mnt_id' in info:
            check.same(f'{who} fd {fd} mnt_id', row['mnt_id'], int(info['mnt_id']))
        if 'ino' in info:
            check.same(f'{who} fd {fd} ino', row['ino'], int(info['ino']))
        check.same(f'{who} fd {fd} pos', row['pos'], int(info['pos']),
                   moved or ('others write to it, too' if row['path'] in SHARED else None))


def check_mounts(check, ours, truth):
    lines = [line.split() for line in truth.splitlines() if len(line.split()) >= 4]
    # below the root of all processes lies a nullfs since v7.0, which /proc does not show
    ours = [m for m in ours if m['type'] != 'nullfs']
    check.same('mounts', [(m['devname'], m['dirname'], m['type']) for m in ours],
               [(unescape(l[0]), unescape(l[1]), l[2]) for l in lines])
    for mount, line in zip(ours, lines):
        options = line[3].split(',')
        check.same(f'{mount["dirname"]} options', sorted(set(mount['options'])), sorted({o for o in options if o in SHOWN}))


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    program, vmlinux, vmcore, truth_path = sys.argv[1:]
    check = Check()
    truth = processes(truth_path)
    tasks = {t['pid']: t for t in kanalyze(program, vmlinux, vmcore, 'ps')['tasks']}
    pids = [pid for pid in truth if pid in tasks]
    for t in kanalyze(program, vmlinux, vmcore, 'ps --ns')['tasks']:
        for name, ino in truth.get(t['pid'], {}).get('ns', {}).items():
            check.same(f'PID {t["pid"]} ({t["comm"]}) {name} namespace', t['pid_ns' if name == 'pid' else name], ino)
    files = {t['pid']: t for t in kanalyze(program, vmlinux, vmcore, 'files ' + ' '.join(map(str, pids)))['tasks']}
    for pid in pids:
        moved = 'it ran on after the truth was taken' if pid == 1 else None
        check_process(check, pid, files[pid], truth[pid], moved)
    check_mounts(check, kanalyze(program, vmlinux, vmcore, 'mount')['mounts'], sections(truth_path)['/proc/mounts'])
    sys.exit(check.done())


if __name__ == '__main__':
    main()
