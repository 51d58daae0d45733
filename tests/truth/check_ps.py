#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_ps.py KANALYZE VMLINUX VMCORE TRUTH

Compares what `ps` says of a dump with what the guest's own /proc said before it crashed. TRUTH has a block
"##### PID n comm" for each process, "##### TID n OF m" for further threads, with "=== /proc/n/stat" and the like in them.
The machine went on living between the two: a difference is explained when the task ran again after the truth was taken,
or came or went with the shell that took it. Everything else is a fault, and the exit status is 1."""
import json
import re
import subprocess
import sys
import truth as T

STATES = {'R': 'RU', 'S': 'IN', 'D': 'UN', 'T': 'ST', 't': 'TR', 'Z': 'ZO', 'X': 'DE', 'P': 'PA', 'I': 'ID'}
POLICIES = ['NORMAL', 'FIFO', 'RR', 'BATCH', 'ISO', 'IDLE', 'DEADLINE', 'EXT']
LIMITS = {'Max cpu time': 'CPU', 'Max file size': 'FSIZE', 'Max data size': 'DATA', 'Max stack size': 'STACK',
          'Max core file size': 'CORE', 'Max resident set': 'RSS', 'Max processes': 'NPROC', 'Max open files': 'NOFILE',
          'Max locked memory': 'MEMLOCK', 'Max address space': 'AS', 'Max file locks': 'LOCKS',
          'Max pending signals': 'SIGPENDING', 'Max msgqueue size': 'MSGQUEUE', 'Max nice priority': 'NICE',
          'Max realtime priority': 'RTPRIO', 'Max realtime timeout': 'RTTIME'}
# What the shell that writes the truth starts for it. These come and go all the time.
TOOLS = {'ls', 'cat', 'tr', 'grep', 'sort', 'sh', 'init', 'date', 'dd', 'cut', 'sleep', 'sync', 'dmesg', 'wc', 'pidof', 'busybox', 'ps'}
TICKS_PER_S = 100       # USER_HZ, of /proc/PID/stat
WOKEN_MAX = 3
EXACT_RSS = (6, 16)     # /proc sums up what CPUs hold back since 82241a83cd15
SLACK_S = 1.5           # clocks of the scheduler and of /proc/uptime, ticks, jiffies


def kanalyze(binary, vmlinux, vmcore, command):
    p = subprocess.run([binary, '--json', '-c', command, vmlinux, vmcore], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if p.returncode not in (0, 1) or not p.stdout:
        sys.exit('%s: exit status %d\n%s' % (command, p.returncode, p.stderr.decode('utf-8', 'replace')))
    return json.loads(p.stdout.decode('utf-8'))


def stat_fields(line):
    m = re.match(r'(\d+) \((.*)\) (.*)$', line, re.S)
    if not m:
        return None
    rest = m[3].split()
    return {'pid': int(m[1]), 'comm': m[2], 'state': rest[0], 'ppid': int(rest[1]), 'utime': int(rest[11]), 'stime': int(rest[12]),
            'priority': int(rest[15]), 'start': int(rest[19]), 'vsize': int(rest[20]), 'rss': int(rest[21]), 'cpu': int(rest[36]),
            'policy': int(rest[38]), 'pgrp': int(rest[2]), 'session': int(rest[3]), 'tty_nr': int(rest[4]), 'flags': int(rest[6]),
            'minflt': int(rest[7]), 'majflt': int(rest[9]), 'nice': int(rest[16]), 'exit_signal': int(rest[35]),
            'rt_priority': int(rest[37]), 'exit_code': int(rest[49]) if len(rest) > 49 else None}


def read_truth(path):
    """-> (uptime when it was begun, is its RSS exact, {pid: {...}})"""
    with open(path, encoding='utf-8', errors='replace') as f:
        text = f.read()
    m = re.search(r'^\+\+\+ truth at ([\d.]+)', text, re.M) or re.search(r'^=== /proc/uptime\n([\d.]+)', text, re.M)
    if not m:
        sys.exit('%s does not say when it was taken' % path)
    begun = float(m[1])
    tasks = {}
    # wchan has no line break at its end: what follows it stands in the same line
    for block in re.split(r'##### (?=[PT]ID \d)', text)[1:]:
        head, _, body = block.partition('\n')
        m = re.match(r'PID (\d+) ?(.*)$', head) or re.match(r'TID (\d+) OF (\d+)', head)
        if not m:
            continue
        pid = int(m[1])
        sections = {}
        for part in re.split(r'^=== |=== (?=/proc/)', body, flags=re.M)[1:]:
            name, _, content = part.partition('\n')
            sections[re.sub(r'/(task/)?\d+', '', name)] = content
        stat = stat_fields(sections.get('/proc/stat', '').split('\n')[0])
        if not stat:        # gone before it could be asked
            continue
        status = dict(l.split(':', 1) for l in sections.get('/proc/status', '').split('\n') if ':' in l)
        m_login = re.search(r'/loginuid\n(\d+)', body)
        task = {'stat': stat, 'loginuid': int(m_login[1]) if m_login else None, 'oom_score_adj': sections.get('/proc/oom_score_adj', '').split('\n')[0],
                'personality': sections.get('/proc/personality', '').split('\n')[0], 'status': {k: v.strip() for k, v in status.items()},
                'tgid': int(m[2]) if head.startswith('TID') else pid, 'limits': {}, 'args': None}
        for line in sections.get('/proc/limits', '').split('\n'):
            for words, name in LIMITS.items():
                if line.startswith(words):
                    values = line[len(words):].split()
                    task['limits'][name] = [None if v == 'unlimited' else int(v) for v in values[:2]]
        for name, content in sections.items():
            if name.startswith('tr ') or name == '/proc/cmdline':
                task['args'] = re.sub(r'[\n\0]', ' ', content).rstrip(' ') or None
        tasks[pid] = task
    m = re.search(r'^##### \w+ TRUTH (\d+)\.(\d+)', text, re.M)
    return begun, bool(m) and (int(m[1]), int(m[2])) >= EXACT_RSS, tasks


class Report:
    def __init__(self):
        self.compared = self.equal = 0
        self.explained = {}
        self.wrong = []

    def check(self, what, ours, theirs, excuse=None):
        self.compared += 1
        if ours == theirs:
            self.equal += 1
        elif excuse:
            self.explained.setdefault(excuse, []).append('%s: %s, truth %s' % (what, ours, theirs))
        else:
            self.wrong.append('%s: %s, truth %s' % (what, ours, theirs))


def check_comm(r, who, row, stat):
    comm, name = row['comm'], stat['comm']
    excuse = None
    if row['is_kernel_thread'] and comm != name:
        # /proc shows the full name of a kernel thread, and of a kworker what it last worked for
        if name.startswith(comm) and (len(comm) == 15 or comm.startswith('kworker/')):
            excuse = 'longer name of a kernel thread in /proc'
    r.check(who + ' comm', comm, name, excuse)


def check_task(r, pid, row, times, truth, is_exact, ran_since, mm_moved):
    stat, status, who = truth['stat'], truth['status'], 'PID %d (%s)' % (pid, row['comm'])
    moved = 'it ran on after the truth was taken' if ran_since else None
    check_comm(r, who, row, stat)
    # woken but not yet on a CPU: running to the kernel, though it has not run since. Rare, so not excused often
    woken = 'it was woken and waits for a CPU' if row['state'] == 'RU' and stat['state'] in 'SDI' else None
    if woken and len(r.explained.get(woken, [])) >= WOKEN_MAX:
        woken = None
    r.check(who + ' state', row['state'], STATES.get(stat['state']), moved or woken)
    r.check(who + ' ppid', row['ppid'], stat['ppid'])
    r.check(who + ' cpu', row['cpu'], stat['cpu'], moved)
    r.check(who + ' start', times['start_boottime_ns'] // (10 ** 9 // TICKS_PER_S), stat['start'])
    r.check(who + ' policy', POLICIES.index(row['policy']), stat['policy'])
    r.check(who + ' priority', row['prio'] - 100, stat['priority'], moved)
    if 'VmSize' in status:
        r.check(who + ' VmSize', row['vsz_kb'], int(status['VmSize'].split()[0]), mm_moved)
        theirs = int(status['VmRSS'].split()[0])
        near = not is_exact and abs(row['rss_kb'] - theirs) <= 3 * 2 * 64 * 4
        r.check(who + ' VmRSS', row['rss_kb'], theirs, mm_moved or ('/proc leaves out what CPUs or threads hold back' if near else None))
    elif status:
        r.check(who + ' VmSize', row['vsz_kb'], 0, mm_moved)


IDS = {'Uid': ('uid', 'euid', 'suid', 'fsuid'), 'Gid': ('gid', 'egid', 'sgid', 'fsgid')}
CAPABILITIES = {'CapInh': 'cap_inheritable', 'CapPrm': 'cap_permitted', 'CapEff': 'cap_effective', 'CapBnd': 'cap_bounding', 'CapAmb': 'cap_ambient'}


def check_status(r, who, row, truth, ran_since):
    """ps --status"""
    stat, status = truth['stat'], truth['status']
    moved = 'it ran on after the truth was taken' if ran_since else None
    for key, names in IDS.items():
        if key in status:
            r.check(f'{who} {key}', [row[n] for n in names], [int(x) for x in status[key].split()])
    if 'Groups' in status:
        r.check(who + ' groups', row['groups'], status['Groups'].split())
    for key, name in CAPABILITIES.items():
        if key in status:
            r.check(f'{who} {key}', row[name] or 0, int(status[key], 16))
    for key, name in (('TracerPid', 'tracer'), ('NoNewPrivs', 'no_new_privs'), ('Seccomp', 'seccomp'), ('Seccomp_filters', 'seccomp_filters')):
        if key in status:
            r.check(f'{who} {key}', int(row[name] or 0), int(status[key]), name == 'seccomp_filters' and row['state'] == 'ZO' and 'a zombie' or None)
    if 'Umask' in status:
        r.check(who + ' umask', row['umask'], int(status['Umask'], 8))
    if 'NSpid' in status:
        r.check(who + ' pids', row['pids'], status['NSpid'].split())
    for key, name in (('voluntary_ctxt_switches', 'voluntary_switches'), ('nonvoluntary_ctxt_switches', 'involuntary_switches')):
        if key in status:
            r.check(f'{who} {key}', row[name], int(status[key]), moved)
    r.check(who + ' group and session', [row['pgrp'], row['session']], [stat['pgrp'], stat['session']])
    device = row['tty_device'] or 0
    r.check(who + ' terminal', (device & 0xff) | device >> 20 << 8 | (device & 0xfff00) << 12, stat['tty_nr'])
    r.check(who + ' nice', row['nice'], stat['nice'])
    r.check(who + ' rt_priority', row['rt_priority'], stat['rt_priority'])
    r.check(who + ' exit signal', row['exit_signal'], stat['exit_signal'])
    if stat['exit_code'] is not None:
        # of a stopped process /proc tells the group's since v5.18
        r.check(who + ' exit code', row['group_exit_code'] if row['state'] == 'ST' and stat['exit_code'] else row['exit_code'], stat['exit_code'], moved)
    if truth['loginuid'] is not None:
        r.check(who + ' loginuid', 2 ** 32 - 1 if row['loginuid'] is None else row['loginuid'], truth['loginuid'])
    if truth['oom_score_adj']:
        r.check(who + ' oom_score_adj', row['oom_score_adj'], int(truth['oom_score_adj']))
    if truth['personality']:
        r.check(who + ' personality', row['personality'], int(truth['personality'], 16))


def check_sums(r, who, rows, ticked, stat, is_group, moved):
    """Faults and time on a CPU, of a process those of all its threads. Time is what the scheduler measured; where each switch to and
    from the kernel is timed (VIRT_CPU_ACCOUNTING_GEN), that."""
    first = rows[0]
    for name, ended, theirs in (('minor_faults', 'ended_minor_faults', 'minflt'), ('major_faults', 'ended_major_faults', 'majflt')):
        r.check(f'{who} {name}', sum(row[name] for row in rows) + (first[ended] if is_group else 0), stat[theirs], moved)
    measured = (sum(row['exec_ns'] for row in rows) + (first['ended_exec_ns'] if is_group else 0)) * TICKS_PER_S / 1e9
    theirs = stat['utime'] + stat['stime']
    near = next((x for x in (measured, ticked) if abs(x - theirs) <= 2), measured)    # two numbers, each cut
    r.check(who + ' time on a CPU', theirs if abs(near - theirs) <= 2 else near, theirs, moved)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    binary, vmlinux, vmcore, truth_path = sys.argv[1:]
    begun, is_exact, truth = read_truth(truth_path)
    ps = kanalyze(binary, vmlinux, vmcore, 'ps')
    policy = {t['task']: t for t in kanalyze(binary, vmlinux, vmcore, 'ps -Y')['tasks']}
    times = {t['task']: t for t in kanalyze(binary, vmlinux, vmcore, 'ps -t')['tasks']}
    runs = {t['task']: t for t in kanalyze(binary, vmlinux, vmcore, 'ps -l')['tasks']}
    states = {t['task']: t for t in kanalyze(binary, vmlinux, vmcore, 'ps --status')['tasks']}
    limits = {t['task']: t for t in kanalyze(binary, vmlinux, vmcore, 'ps -r')['tasks']}
    arguments = {t['task']: t for t in kanalyze(binary, vmlinux, vmcore, 'ps -a')['tasks']}
    groups = {t['pid']: t for t in kanalyze(binary, vmlinux, vmcore, 'ps -g')['tasks']}
    r, parts = Report(), T.tasks(truth_path)
    for e in ps['errors']:
        r.wrong.append('fault: %s' % e.get('message', e))
    ours = {t['pid']: t for t in ps['tasks'] if t['pid']}
    ran = {pid: runs[t['task']]['last_run_ns'] / 1e9 > begun - SLACK_S for pid, t in ours.items()}
    group_of = {}
    for leader, g in groups.items():
        for t in [g] + g.get('threads', []):
            group_of[t['pid']] = leader
    for pid, row in sorted(ours.items()):
        row.update({'policy': policy[row['task']]['policy'], 'prio': policy[row['task']]['prio']})
        if pid not in truth:
            is_new = times[row['task']]['start_boottime_ns'] / 1e9 > begun - SLACK_S
            r.check('PID %d (%s)' % (pid, row['comm']), 'there', 'absent', 'started after the truth was taken' if is_new else None)
            continue
        t = truth[pid]
        threads = [p for p, leader in group_of.items() if leader == group_of.get(pid)]
        mm_moved = 'its process ran on after the truth was taken' if any(ran.get(p) for p in threads) else None
        check_task(r, pid, row, times[row['task']], t, is_exact, ran[pid], mm_moved)
        who = 'PID %d (%s)' % (pid, row['comm'])
        check_status(r, who, states[row['task']], t, ran[pid])
        together = [ours[p]['task'] for p in threads if p in ours] if t['tgid'] == pid else []
        rows = [states[a] for a in together] or [states[row['task']]]
        ticked = sum((times[x['task']]['utime_ns'] or 0) + (times[x['task']]['stime_ns'] or 0) for x in rows) * TICKS_PER_S / 1e9
        check_sums(r, who, sorted(rows, key=lambda x: x['pid'] != pid), ticked, t['stat'], t['tgid'] == pid, mm_moved if together else
                   ('it ran on after the truth was taken' if ran[pid] else None))
        r.check('PID %d tgid' % pid, group_of.get(pid), t['tgid'])
        if t['tgid'] == pid and 'Threads' in t['status']:
            r.check('PID %d threads' % pid, len(threads), int(t['status']['Threads']), mm_moved)
        for l in limits[row['task']].get('limits', []):
            if l['name'] in t['limits']:
                r.check('PID %d limit %s' % (pid, l['name']), [l['current'], l['maximum']], t['limits'][l['name']])
        environment = parts[pid]['sections'].get('environ') if t['tgid'] == pid and pid in parts else None
        if environment is not None:
            env = arguments[row['task']]['env']
            r.check('PID %d environment' % pid, [line for one in env for line in one.splitlines()] if env is not None else None,
                    environment.splitlines(), 'user memory is not in the dump' if env is None else None)
        if t['args'] is not None:
            args = arguments[row['task']]['args']
            text = ' '.join(args).rstrip(' ') if args is not None else None
            r.check('PID %d args' % pid, text, t['args'], 'user memory is not in the dump' if args is None else None)
    for pid, t in sorted(truth.items()):
        if pid in ours:
            continue
        comm = t['stat']['comm']
        is_passing = comm in TOOLS or comm.startswith('kworker/')
        r.check('PID %d (%s)' % (pid, comm), 'absent', 'there', 'a passing process of the shell, or a kworker' if is_passing else None)
    print('%s: %d tasks, %d of them in the truth; %d fields compared, %d equal, %d explained, %d wrong' %
          (truth_path, len(ps['tasks']), len(set(ours) & set(truth)), r.compared, r.equal,
           sum(len(v) for v in r.explained.values()), len(r.wrong)))
    for why, what in sorted(r.explained.items()):
        print('  %d explained: %s (such as %s)' % (len(what), why, what[0]))
    for w in r.wrong:
        print('  WRONG %s' % w)
    sys.exit(1 if r.wrong else 0)


main()
