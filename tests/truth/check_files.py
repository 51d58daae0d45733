#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_files.py KANALYZE VMLINUX VMCORE TRUTH

Compares `files` of each process and `mount` with the guest's own /proc/PID/{fd,fdinfo,cwd,root,exe,ns} and /proc/mounts. The shell that
wrote the truth (PID 1), its tools and what was busy went on before the end: their descriptors are not of the same moment."""
import re
import sys

from truth import Check, descriptors, fdinfos, kanalyze, pairs, sections, tasks

O_CLOEXEC = 0o2000000   # of the descriptor, not of the file: /proc/PID/fdinfo adds it to the flags
SHARED = ('/tmp/init.log', '/mnt/truth/truth.txt', '/tmp/truth.txt')      # several processes write to them: the offset moves
SHOWN = ('ro', 'rw', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime', 'nosymfollow')


def unescape(path):
    """/proc/mounts writes blanks as octal."""
    return re.sub(r'\\([0-7]{3})', lambda m: chr(int(m[1], 8)), path)


def processes(path):
    """{pid: {'fd': {number: path}, 'info': {number: {key: [value]}}, 'cwd':, 'root':, 'exe':, 'ns': {}}}; a thread's block is of its
    own: it shares the table of its leader"""
    result = {}
    for pid, task in tasks(path).items():
        if task['tgid'] != pid:
            continue
        parts = task['sections']
        t = result[pid] = {'fd': descriptors(parts), 'info': fdinfos(parts), 'ns': {}}
        text = parts.get('ns', '') + parts.get('links', '')
        for m in re.finditer(r' (cgroup|ipc|mnt|net|pid|time|user|uts) -> \w+:\[(\d+)\]$', text, re.M):
            t['ns'][m[1]] = int(m[2])
        for m in re.finditer(r' /proc/\d+/(cwd|root|exe) -> (.*)$', text, re.M):
            t[m[1]] = m[2]
    return result


def read_at(state, value_ns):
    """When /proc was read, by a timer's end and what it said was left."""
    return (state['expires_ns'] - value_ns) / 1e9


def check_state(check, who, row, info, times, lacks_type):
    """What /proc/PID/fdinfo has beyond pos, flags, mnt_id and ino. The small vmlinux of a bundle may lack debuginfo of a kind."""
    state = row['state']
    if row['type'] == 'SOCK' or set(info) <= {'pos', 'flags', 'mnt_id', 'ino', 'lock', 'size', 'NSpid', 'SEV', 'seals', 'scm_fds'}:
        return
    if not state:
        check.same(f'{who} state', state, info, lacks_type(row['path']) and 'there is no debuginfo of it')
        return
    pairs_ = {'eventfd-count': ('count', 16), 'eventfd-id': ('id', 10), 'sigmask': ('mask', 16), 'clockid': ('clockid', 10),
              'ticks': ('ticks', 10), 'settime flags': ('settime_flags', 8), 'map_type': ('type', 10), 'key_size': ('key_size', 10),
              'value_size': ('value_size', 10), 'max_entries': ('max_entries', 10), 'map_flags': ('flags', 16), 'map_extra': ('extra', 16),
              'map_id': ('id', 10), 'prog_type': ('type', 10), 'prog_id': ('id', 10), 'verified_insns': ('verified_instructions', 10),
              'CachedSqHead': ('cached_sq_head', 0), 'CachedCqTail': ('cached_cq_tail', 0), 'SqHead': ('sq_head', 0),
              'SqTail': ('sq_tail', 0), 'CqHead': ('cq_head', 0), 'CqTail': ('cq_tail', 0), 'UserFiles': ('files', 0),
              'UserBufs': ('buffers', 0), 'pending': ('pending', 10), 'total': ('total', 10), 'tty-index': ('index', 10)}
    flags = {'eventfd-semaphore': 'is_semaphore', 'frozen': 'is_frozen', 'prog_jited': 'is_jited'}
    for key, (ours, base) in pairs_.items():
        if key in info:
            check.same(f'{who} {key}', state.get(ours), int(info[key][0], base))
    for key, ours in flags.items():
        if key in info:
            check.same(f'{who} {key}', state.get(ours), info[key][0] == '1')
    if 'prog_tag' in info:
        check.same(f'{who} tag', state['tag'], info['prog_tag'][0])
    if 'SqMask' in info:
        check.same(f'{who} entries', (state['sq_entries'] - 1, state['cq_entries'] - 1), (int(info['SqMask'][0], 0), int(info['CqMask'][0], 0)))
    if 'API' in info:
        check.same(f'{who} features', state['features'], int(info['API'][0].split(':')[1], 16))
    if 'it_interval' in info:
        s, ns = re.findall(r'\d+', info['it_interval'][0])
        check.same(f'{who} interval', state['interval_ns'], int(s) * 10**9 + int(ns))
        s, ns = map(int, re.findall(r'\d+', info['it_value'][0]))
        if s and state['clockid'] in (1, 7, 9):      # they count from the start
            at = read_at(state, s * 10**9 + ns)
            check.true(f'{who} expires', times[0] - 2 <= at <= times[1] + 1, f'read at {at}, the truth is from {times}')
    if 'Pid' in info:
        check.same(f'{who} pid', -1 if state['is_gone'] else state['pid'], int(info['Pid'][0]))
    if 'tfd' in info:
        want = []
        for line in info['tfd']:
            w = re.match(r'(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)', line)
            want.append((int(w[1]), int(w[2], 16), int(w[3], 16)))
        check.same(f'{who} watched', sorted((w['fd'], w['events'], w['data']) for w in state['watched']), sorted(want))
    if 'inotify' in info:
        want = [tuple(int(pairs(line)[key], 16) for key in ('wd', 'ino', 'sdev', 'mask')) for line in info['inotify']]
        check.same(f'{who} watches', sorted((w['wd'], w['ino'], w['device'], w['mask']) for w in state['watches']), sorted(want))
    if 'fanotify' in info:
        first, *rest = [{k: int(v, 16) for k, v in pairs(line).items() if re.fullmatch('[0-9a-f]+', v)} for line in info['fanotify']]
        check.same(f'{who} flags', (state['flags'], state['event_flags']), (first['flags'], first['event-flags']))
        check.same(f'{who} marks',
                   sorted((m.get('ino', -1), m.get('mnt_id', -1), m.get('device', -1), m['mask'], m['ignored_mask']) for m in state['marks']),
                   sorted((m.get('ino', -1), m.get('mnt_id', -1), m.get('sdev', -1), m['mask'], m['ignored_mask']) for m in rest))
    if row['type'] == 'FIFO' and state:
        check.true(f'{who} ends', state['readers'] or state['writers'], state)


def check_process(check, pid, ours, truth, moved, times, lacks_type):
    who = f'PID {pid} ({ours["comm"]})'
    for key in ('cwd', 'root', 'exe'):
        if key in truth:
            check.same(f'{who} {key}', ours[key], truth[key], moved)
    files = {row['fd']: row for row in ours['files']} if ours.get('files') else {}
    if not truth['fd'] and not truth['info']:
        return
    for fd in sorted(set(files) | set(truth['fd'])):
        path = files[fd]['path'] if fd in files else None
        check.same(f'{who} fd {fd}', path, truth['fd'].get(fd), moved)
    for fd, info in sorted(truth['info'].items()):
        row = files.get(fd)
        if not row or row['path'] != truth['fd'].get(fd):
            continue
        at = f'{who} fd {fd} {row["path"]}'
        check.same(f'{at} flags', row['flags'] | (O_CLOEXEC if row['is_cloexec'] else 0), int(info['flags'][0], 8), moved)
        if 'mnt_id' in info:
            check.same(f'{at} mnt_id', row['mnt_id'], int(info['mnt_id'][0]))
        if 'ino' in info:
            check.same(f'{at} ino', row['ino'], int(info['ino'][0]))
        check.same(f'{at} pos', row['pos'], int(info['pos'][0]),
                   moved or ('others write to it, too' if row['path'] in SHARED else None))
        if not moved:
            check_state(check, at, row, info, times, lacks_type)


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
    living = {t['pid']: t for t in kanalyze(program, vmlinux, vmcore, 'ps')['tasks']}
    pids = [pid for pid in truth if pid in living]
    with open(truth_path, errors='replace') as f:
        text = f.read()
    begun = re.search(r'^\+\+\+ truth at ([\d.]+)', text, re.M) or re.search(r'^=== /proc/uptime\n([\d.]+)', text, re.M)
    times = (float(begun[1]), kanalyze(program, vmlinux, vmcore, 'sys')['system']['uptime_ns'] / 1e9)
    for t in kanalyze(program, vmlinux, vmcore, 'ps --ns')['tasks']:
        for name, ino in truth.get(t['pid'], {}).get('ns', {}).items():
            check.same(f'PID {t["pid"]} ({t["comm"]}) {name} namespace', t['pid_ns' if name == 'pid' else name], ino)
    files = {t['pid']: t for t in kanalyze(program, vmlinux, vmcore, 'files ' + ' '.join(map(str, pids)))['tasks']}
    kinds = {'anon_inode:[signalfd]': 'signalfd_ctx', 'anon_inode:inotify': 'fsnotify_group', 'anon_inode:[timerfd]': 'timerfd_ctx'}

    def lacks_type(path):
        return path in kinds and 'no type' in str(kanalyze(program, vmlinux, vmcore, f'struct {kinds[path]}')['errors'])

    for pid in pids:
        moved = 'it ran on after the truth was taken' if pid == 1 else None
        check_process(check, pid, files[pid], truth[pid], moved, times, lacks_type)
    check_mounts(check, kanalyze(program, vmlinux, vmcore, 'mount')['mounts'], sections(truth_path)['/proc/mounts'])
    sys.exit(check.done())


if __name__ == '__main__':
    main()
