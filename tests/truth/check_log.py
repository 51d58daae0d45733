#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_log.py KANALYZE VMLINUX VMCORE TRUTH: the log is what dmesg said in the guest, and goes on to the crash.
dmesg is a section of TRUTH ("=== dmesg -r": with levels) or dmesg.txt beside it; what makedumpfile --dump-dmesg found is
dmesg-from-vmcore.txt beside it, where there is one."""
import calendar
import re
import sys
import time
import truth


def log_lines(document, has_levels=False, has_callers=False):
    """As syslog(2) gives them: level, stamp and (CONFIG_PRINTK_CALLER) caller before each line of a record."""
    lines = []
    for r in document['records']:
        stamp = ''
        if has_levels and r['level'] is not None:
            stamp = '<%d>' % (r['facility'] << 3 | r['level'])
        if r['time_ns'] is not None:
            stamp += '[%5d.%06d]' % (r['time_ns'] // 10**9, r['time_ns'] % 10**9 // 1000)
            stamp += '[%6s] ' % r['caller'] if has_callers else ' '
        for text in (r['text'] or '').split('\n'):
            lines.append(stamp + text)
    return lines


def squeeze(line):
    return ' '.join(line.split())


def compare(check, what, lines, want):
    """want is a part of lines, without gaps."""
    want = [squeeze(x) for x in want if squeeze(x)]
    lines = [squeeze(x) for x in lines if squeeze(x)]
    if not want:
        return
    if want[0] not in lines:
        check.true(what, False, f'its first line is not in the log: {want[0]!r}')
        return
    start = lines.index(want[0])
    for i, line in enumerate(want):
        is_ = lines[start + i] if start + i < len(lines) else None
        check.same(f'{what} line {i + 1}', is_, line)


def main():
    program, vmlinux, vmcore, path = truth.arguments()
    check = truth.Check()
    document = truth.kanalyze(program, vmlinux, vmcore, 'log')
    check.faults(document)
    lines = log_lines(document)
    sections = truth.sections(path)
    if 'dmesg -r' in sections:
        raw = sections['dmesg -r'].splitlines()
        has_callers = any(re.match(r'<\d+>\[ *\d+\.\d+\]\[ *[TC]\d+\] ', x) for x in raw)
        compare(check, 'dmesg -r', log_lines(document, True, has_callers), raw)
    dmesg = sections.get('dmesg') or truth.beside(path, 'dmesg.txt')
    if dmesg:
        compare(check, 'dmesg', lines, [re.sub(r'^<\d+>', '', x) for x in dmesg.splitlines()])
    check.true('there is something to compare', dmesg or 'dmesg -r' in sections, path)
    whole = truth.beside(path, 'dmesg-from-vmcore.txt')
    if whole:
        # makedumpfile puts lines after the first of a record under it, without a stamp.
        stamp = re.compile(r'^\[ *\d+\.\d+\] ')
        last, full = '', []
        for x in whole.splitlines():
            m = stamp.match(x)
            last = m.group(0) if m else last
            full.append(x if m else last + x.strip())
        compare(check, 'dmesg of makedumpfile', lines, full)
        check.same('count of lines', len([x for x in lines if squeeze(x)]), len([x for x in full if squeeze(x)]))
    sequence = [r['seq'] for r in document['records']]
    check.true('sequence numbers rise', all(a < b for a, b in zip(sequence, sequence[1:])), str(sequence[:5]))
    times = truth.kanalyze(program, vmlinux, vmcore, 'log -T')
    check.true('-T gives each record a time', all(r['time'] for r in times['records']), '')
    last = calendar.timegm(time.strptime(times['records'][-1]['time'], '%a %b %d %H:%M:%S UTC %Y'))
    date = truth.kanalyze(program, vmlinux, vmcore, 'sys')['system']['date_s']
    check.true('-T ends at the crash', -2 <= last - date <= 4, f'{last}, the clock stood at {date}')
    return check.done()


sys.exit(main())
