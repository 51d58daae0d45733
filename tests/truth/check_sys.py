#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_sys.py KANALYZE VMLINUX VMCORE TRUTH: names, clocks, load, memory, taints and the panic are those of the guest."""
import calendar
import math
import re
import sys
import time
import truth


def load_range(load, seconds, minutes, tasks):
    """Where the load average can have come to: every 5 s it moves towards the count of running tasks."""
    kept = math.exp(-seconds / (minutes * 60))
    return load * kept - 0.05, load * kept + tasks * (1 - kept) + 0.05


def panic_wanted(log):
    """The first line of the report the machine died of."""
    text = [re.sub(r'^\[ *\d+\.\d+\] ', '', x) for x in log.splitlines()]
    # older kernels die of a bad pointer that sysrq-c writes through on purpose
    asked = [line for line in text if 'SysRq : Trigger a crash' in line]
    if asked:
        return asked[-1]
    for pattern in (r'Kernel panic - ', r'kernel BUG at', r'BUG: kernel NULL pointer|BUG: unable to handle|^Unable to handle kernel ', r'Oops: '):
        for line in text:
            if re.search(pattern, line) and 'end Kernel panic' not in line:
                return line
    return ''


def check_dmi(check, program, vmlinux, vmcore, want):
    """What /sys/class/dmi/id tells of the machine."""
    have = {r['field']: r['value'] for r in truth.kanalyze(program, vmlinux, vmcore, 'sys -i').get('dmi', [])}
    for name, value in want.items():
        m = re.match(r'/sys/class/dmi/id/((?:bios|sys|product|board|chassis|ec)_\w+)$', name)
        field = m and 'DMI_' + m.group(1).upper()
        if field in have:
            # sysfs drops what is not ASCII and ends with a line break
            check.same(name, have[field].strip(), value.strip())


def main():
    program, vmlinux, vmcore, path = truth.arguments()
    check = truth.Check()
    want = truth.sections(path)
    document = truth.kanalyze(program, vmlinux, vmcore, 'sys')
    check.faults(document)
    s = document['system']
    uname = want['uname -a'].strip() if 'uname -a' in want else ''
    if uname:
        check.same('uname', f"Linux {s['nodename']} {s['release']} {s['version']} {s['machine']} GNU/Linux", uname)
        check.same('sysname', s['sysname'], 'Linux')

    log = truth.kanalyze(program, vmlinux, vmcore, 'log')['records']
    last = max(r['time_ns'] or 0 for r in log) / 1e9
    uptime = s['uptime_ns'] / 1e9
    truth_uptime = float(want['/proc/uptime'].split()[0])
    # The clock was last updated at a tick before the crash, the log went on a little; both count from the same start
    # but for the first fraction of a second.
    check.true('uptime is after the truth was written', uptime >= truth_uptime, f'{uptime} < {truth_uptime}')
    check.true('uptime is that of the last messages', -3 < last - uptime < 3, f'uptime {uptime}, last message {last}')
    if 'date -u' in want:
        at = calendar.timegm(time.strptime(want['date -u'].strip(), '%a %b %d %H:%M:%S UTC %Y'))
        # date ran a moment before /proc/uptime was read
        check.true('date', -2 <= s['date_s'] - at - (uptime - truth_uptime) <= 2,
                   f"{s['date_s']} is not {at} + {uptime} - {truth_uptime}")
    if '/proc/loadavg' in want:
        fields = want['/proc/loadavg'].split()
        tasks = int(fields[3].split('/')[1])
        for name, load, minutes in zip(('load_1', 'load_5', 'load_15'), map(float, fields), (1, 5, 15)):
            low, high = load_range(load, uptime - truth_uptime, minutes, tasks)
            check.true(name, low <= s[name] <= high, f'{s[name]} not in {low:.2f} .. {high:.2f}')
    if '/proc/cpuinfo' in want:
        online = len(re.findall(r'^processor\s*:', want['/proc/cpuinfo'], re.M))
        stopped = 'panic() had stopped the others' if s['cpus'] == online and s['panic'].startswith('Kernel panic') else None
        check.same('cpus', s['cpus'] - s['cpus_offline'], online, stopped)
        mhz = re.search(r'^cpu MHz\s*: ([\d.]+)', want['/proc/cpuinfo'], re.M)
        if mhz:
            # 0.000: the kernel could not tell
            check.true('cpu MHz', abs(float(mhz.group(1)) - (s['cpu_mhz'] or 0)) < 1,
                       f"{s['cpu_mhz']}, truth {mhz.group(1)}")
    if '/proc/zoneinfo' in want:
        present = sum(int(x) for x in re.findall(r'^\s+present\s+(\d+)', want['/proc/zoneinfo'], re.M))
        # pages are not always of 4 KB: as many bytes as hold what the kernel gives out
        total = int(re.search(r'^MemTotal:\s+(\d+) kB', want['/proc/meminfo'], re.M).group(1)) << 10 if '/proc/meminfo' in want else 0
        check.same('memory', s['memory_bytes'], present * next(p for p in (4096, 16384, 65536) if p == 65536 or present * p >= total))
    if '/proc/sys/kernel/tainted' in want:
        before = int(want['/proc/sys/kernel/tainted'])
        check.same('taints of before the crash', s['tainted'] & before, before)
        # What an oops may add: D, W, L, M
        check.true('taints of the crash', not (s['tainted'] & ~before) & ~(1 << 7 | 1 << 9 | 1 << 14 | 1 << 4),
                   f"{s['tainted']:#x}, before {before:#x}")
    whole = truth.beside(path, 'dmesg-from-vmcore.txt')
    if whole is None:
        whole = '\n'.join(r['text'] or '' for r in log)
    check.same('panic', s['panic'], panic_wanted(whole))
    check_dmi(check, program, vmlinux, vmcore, want)
    return check.done()


sys.exit(main())
