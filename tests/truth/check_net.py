#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_net.py KANALYZE VMLINUX VMCORE TRUTH

Compares `net`, `net -a`, `net --sockets` and `net --routes` of each network namespace with the guest's own
/proc/net/{tcp,tcp6,udp,udp6,udplite,raw,raw6,icmp,unix,packet,netlink,dev,if_inet6,arp,route,ipv6_route,fib_trie}, `ip addr`, `ip neigh`,
`ip route` of all tables, every column but addresses of structs, timers and hash slots; the sockets of tasks with the symbolic links in
/proc/PID/fd; sockets of vsock, which /proc does not show, with what their owner said."""
import ipaddress
import re
import sys

from truth import Check, arguments, kanalyze, sections

STATES = {1: 'ESTAB', 2: 'SYN-SENT', 3: 'SYN-RECV', 4: 'FIN-WAIT-1', 5: 'FIN-WAIT-2', 6: 'TIME-WAIT', 7: 'UNCONN', 8: 'CLOSE-WAIT',
          9: 'LAST-ACK', 10: 'LISTEN', 11: 'CLOSING'}
UNIX_STATES = {1: 'UNCONN', 2: 'SYN-SENT', 3: 'ESTAB'}
GROWING = 'packets came in after the guest looked'
ENDED = 'its time had run out'  # TIME-WAIT takes a minute, attempts to connect some; the truth may take longer


def address(text, little=True):
    """0100007F:1389 of /proc/net: words as the machine has them."""
    ip, _, port = text.partition(':')
    words = [bytes.fromhex(ip[i:i + 8]) for i in range(0, len(ip), 8)]
    packed = b''.join(w[::-1] if little else w for w in words)
    ip = ipaddress.ip_address(packed)
    mapped = getattr(ip, 'ipv4_mapped', None)
    return f'::ffff:{mapped}' if mapped else str(ip), int(port, 16)


def inet(check, want, socks):
    for name, netids in (('tcp', ('tcp',)), ('tcp6', ('tcp',)), ('udp', ('udp',)), ('udp6', ('udp',)), ('raw', ('raw',)), ('raw6', ('raw',)),
                         ('udplite', ('udpl',)), ('udplite6', ('udpl',)), ('icmp', ('ping',)), ('icmp6', ('ping',))):
        if f'/proc/net/{name}' not in want:
            continue
        family = 10 if name.endswith('6') else 2
        ours = {(s['local'], s['local_port'], s['remote'], s['remote_port']): s for s in socks
                if s['netid'] in netids and s['family'] == family and not (name.startswith('udp') and s['local_port'] == 0)}
        lines = [line.split() for line in want[f'/proc/net/{name}'].splitlines()[1:]]
        # those that nobody has open end by themselves: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, LAST-ACK
        gone = [f for f in lines if f[3] in ('04', '05', '06', '09') and f[9] == '0' and address(f[1]) + address(f[2]) not in ours]
        # a socket of no namespace's table that nobody bound yet is not in /proc
        unbound = [s for s in ours.values() if s['state'] == 'UNCONN' and not any(address(f[1]) + address(f[2]) == key for f in lines
                                                                                   for key in [(s['local'], s['local_port'], s['remote'], s['remote_port'])])]
        check.same(f'{name}: how many', len(ours) - len(unbound), len(lines), len(gone) == len(lines) - len(ours) + len(unbound) and ENDED)
        for f in lines:
            local, remote = address(f[1]), address(f[2])
            row = ours.get(local + remote)
            if f in gone:
                check.same(f'{name} {local} {remote}', None, STATES[int(f[3], 16)], ENDED)
                continue
            check.true(f'{name} {local} {remote}', row, 'not found')
            if not row:
                continue
            tx, rx = (int(x, 16) for x in f[4].split(':'))
            state = STATES[int(f[3], 16)]
            ended = state == 'SYN-SENT' and row['state'] == 'UNCONN' and ENDED
            check.same(f'{name} {local} state', row['state'], state, ended)
            check.same(f'{name} {local} rx', row['recv_q'], rx)
            if state != 'LISTEN':       # ss shows the backlog there, /proc nothing
                check.same(f'{name} {local} tx', row['send_q'], tx)
            check.same(f'{name} {local} inode', row['ino'] or 0, int(f[9]))
            check.same(f'{name} {local} uid', row['uid'] or 0, int(f[7]))
            check.same(f'{name} {local} references', row['refs'], int(f[10]), ended or (tx and 'its timer ran'))
            if len(f) == 13 and not name.startswith('tcp'):
                check.same(f'{name} {local} drops', row['drops'], int(f[12]))


def unix(check, want, socks):
    ours = [s for s in socks if s['netid'].startswith('u_')]
    lines = [line.split(None, 7) for line in want['/proc/net/unix'].splitlines()[1:]]
    check.same('unix: how many', len(ours), len(lines))
    for f in lines:
        path = f[7] if len(f) > 7 else None
        row = next((s for s in ours if (s['ino'] or 0) == int(f[6]) and s['path'] == path), None)
        check.true(f'unix {f[6]} {path}', row, 'not found')
        if not row:
            continue
        is_listening = int(f[3], 16) & 0x10000
        # /proc has SS_*: those that wait to be accepted are SS_CONNECTING there
        state = 'LISTEN' if is_listening else UNIX_STATES[int(f[5], 16)] if row['ino'] else row['state']
        check.same(f'unix {f[6]} state', row['state'], state)
        check.same(f'unix {f[6]} type', row['type'], int(f[4], 16))
        check.same(f'unix {f[6]} references', row['refs'], int(f[1], 16))
    by_sock = {s['sock']: s for s in ours}
    for s in ours:
        if s['peer'] and s['peer'] in by_sock:
            check.same(f'unix {s["ino"]}: inode of its peer', s['peer_ino'] or 0, by_sock[s['peer']]['ino'] or 0)


def others(check, want, socks):
    ours = [s for s in socks if s['netid'].startswith('p_')]
    lines = [line.split() for line in want['/proc/net/packet'].splitlines()[1:]]
    check.same('packet: how many', len(ours), len(lines))
    for f in lines:
        row = next((s for s in ours if s['ino'] == int(f[8])), {})
        for key, value in (('refs', int(f[1])), ('type', int(f[2])), ('protocol', int(f[3], 16)), ('is_running', f[5] == '1'), ('uid', int(f[7]))):
            check.same(f'packet {f[8]} {key}', row.get(key), value)
        check.same(f'packet {f[8]} memory', row.get('recv_q'), int(f[6]), GROWING if (row.get('recv_q') or 0) > int(f[6]) else None)
    ours = [s for s in socks if s['netid'] == 'nl']
    lines = [line.split() for line in want['/proc/net/netlink'].splitlines()[1:]]
    # the guest's zoo opens its own after, or has none bound: those without a port and not of the kernel are in no table
    bound = [s for s in ours if s['portid'] or not s.get('users')]
    check.same('netlink: how many', len(bound), len(lines))
    for f in lines:
        row = next((s for s in bound if s['ino'] == int(f[9]) or (s['protocol'], s['portid']) == (int(f[1]), int(f[2]))), {})
        what = f'netlink {f[1]} {f[2]}'
        for key, value in (('protocol', int(f[1])), ('portid', int(f[2])), ('groups', int(f[3], 16)), ('recv_q', int(f[4])), ('send_q', int(f[5])),
                           ('refs', int(f[7])), ('drops', int(f[8])), ('ino', int(f[9]))):
            check.same(f'{what} {key}', row.get(key), value)


def devices(check, want, rows, has_v6):
    told, dev = [], None
    for line in want['ip addr'].splitlines():
        m = re.match(r'(\d+): ([^@:]+)(?:@\S+)?: <(.*)> mtu (\d+) qdisc (\S+)(?:.*? qlen (\d+))?', line)
        if m:
            dev = {'ifindex': int(m[1]), 'name': m[2], 'flags': set(m[3].split(',')), 'mtu': int(m[4]), 'qdisc': m[5], 'qlen': int(m[6] or 0),
                   'addresses': []}
            told.append(dev)
            continue
        m = re.match(r' +link/(\S+) (\S+) brd (\S+)', line)
        if m:
            dev['hw'], dev['broadcast'] = m[2], m[3]
        m = re.match(r' +(inet6?) ([^/]+)/(\d+)(?: brd (\S+))? scope (\S+)', line)
        if m and (has_v6 or m[1] == 'inet'):
            dev['addresses'].append((m[1], m[2], int(m[3]), m[4], m[5]))
    check.same('devices', [d['name'] for d in rows], [d['name'] for d in told])
    for is_, d in zip(rows, told):
        name = d['name']
        for key in ('ifindex', 'mtu', 'qdisc', 'hw', 'broadcast'):
            check.same(f'{name} {key}', is_[key], d.get(key))
        # busybox knows not all names, and tells what is left as a number
        flags = {re.sub(r'[0-9a-f]+$', '', f) if re.fullmatch(r'[A-Z_]+[0-9a-f]{3,}', f) else f for f in d['flags']}
        check.same(f'{name} flags', set(is_['flags']) - {'RUNNING'} - ({'MASTER', 'SLAVE'} - flags), flags)
        check.same(f'{name} qlen', is_['tx_queue_len'], d['qlen'])
        ours = [(a['family'], a['address'], a['prefix_len'], a['broadcast'], a['scope']) for a in is_.get('addresses', [])]
        # an IPv6 address comes with the router's advertisement: seen in either order
        check.same(f'{name} addresses', sorted(ours, key=str), sorted(d['addresses'], key=str))
    if has_v6 and '/proc/net/if_inet6' in want:
        ours = sorted((a['address'], d['ifindex'], a['prefix_len'], a['flags'] & 0xff, d['name'])
                      for d in rows for a in d.get('addresses', []) if a['family'] == 'inet6')
        lines = [line.split() for line in want['/proc/net/if_inet6'].splitlines()]
        check.same('if_inet6', ours, sorted((str(ipaddress.ip_address(bytes.fromhex(f[0]))), int(f[1], 16), int(f[2], 16), int(f[4], 16), f[5])
                                            for f in lines))


def neighbours(check, want, rows):
    """arp flags: 2 an address is known, 4 for good, 8 the machine answers for it"""
    by_ip = {(r['ip'], r['device']): r for r in rows}
    for line in want['/proc/net/arp'].splitlines()[1:]:
        f = line.split()
        row = by_ip.get((f[0], f[5]))
        check.true(f'arp {f[0]}', row, 'not found')
        if row and int(f[2], 16) & 8:
            check.same(f'arp {f[0]} proxy', row['is_proxy'], True)
        elif row:
            check.same(f'arp {f[0]} address', row['hw'], f[3])
            check.same(f'arp {f[0]} device', row['device'], f[5])
            check.same(f'arp {f[0]} permanent', 'PERMANENT' in row['states'], bool(int(f[2], 16) & 4))
    for line in (want.get('ip neigh', '') + want.get('ip -6 neigh', '')).splitlines():
        m = re.match(r'(\S+) dev (\S+)(?: lladdr (\S+))?( router)?.* ([A-Z|]+)$', line)
        row = by_ip.get((m[1], m[2]))
        check.true(f'neigh {m[1]}', row, 'not found')
        if row:
            check.same(f'neigh {m[1]}', (row['hw'] if m[3] else None, row['is_router']), (m[3], bool(m[4])))
            check.same(f'neigh {m[1]} state', '|'.join(row['states']), m[5],
                       set(row['states']) | {m[5]} <= {'REACHABLE', 'STALE', 'DELAY', 'PROBE', 'FAILED'} and 'states go on by themselves')


def counters(check, want, rows):
    """/proc/net/dev"""
    columns = ('rx_bytes', 'rx_packets', 'rx_errors', 'rx_dropped', None, None, None, 'multicast',
               'tx_bytes', 'tx_packets', 'tx_errors', 'tx_dropped', None, 'collisions')
    told = {line.split(':')[0].strip(): [int(x) for x in line.split(':')[1].split()] for line in want.get('/proc/net/dev', '').splitlines()[2:]}
    for row in rows:
        if not row.get('stats') or row['name'] not in told:
            continue
        stats = row['stats'][0]
        for name, value in zip(columns, told[row['name']]):
            if name:
                check.same(f"{row['name']} {name}", stats[name], value, stats[name] > value and GROWING)


def vsocks(check, said, socks):
    m = re.search(r'vsock listen=(\d+) port=(\d+) client=(\d+) cid=(\d+) port=(\d+) server=(\d+) unread=(\d+)', said)
    if not m:
        return
    by_fd = {u['fd']: s for s in socks if s['netid'].startswith('v_') for u in s.get('users', [])}
    names = ('state', 'local', 'local_port', 'remote', 'remote_port')
    for fd, want in ((int(m[1]), ('LISTEN', '*', int(m[2]), '*', None)), (int(m[3]), ('ESTAB', '*', int(m[5]), '1', int(m[2]))),
                     (int(m[6]), ('ESTAB', '1', int(m[2]), '1', int(m[5])))):
        for name, value in zip(names, want):
            if value is not None:
                check.same(f'vsock {fd} {name}', by_fd.get(fd, {}).get(name), value)


def routes(check, want, rows):
    v4 = [r for r in rows if r['family'] == 'inet']
    told = []
    for line in want['/proc/net/route'].splitlines()[1:]:
        f = line.split()
        told.append((f[0], address(f[1] + ':0')[0], bin(int(f[7], 16)).count('1'), address(f[2] + ':0')[0], int(f[6])))
    ours = [(h['device'] or '*', r['dst'], r['prefix_len'], h['gateway'] or '0.0.0.0', r['metric'])
            for r in v4 if r['table'] == 254 for h in r.get('hops') or [{'device': '*', 'gateway': None}]]
    check.same('route', sorted(ours), sorted(told))
    lines = want['ip route'] + want.get('ip route show table all', '') + want.get('ip -6 route show table all', '') + want.get('ip -6 route', '')
    for line in lines.splitlines():
        m = re.match(r'(?:(unicast|local|broadcast|multicast|blackhole|unreachable|prohibit|throw) )?(\S+?)(?:/(\d+))?(?: via (\S+))?(?: dev (\S+))?'
                     r'(?: +table (\S+))?(?: +scope (\S+))?(?: +src (\S+))?(?: +metric (\d+))? *(?:expires.*)?$', line)
        if not m:
            check.true(f'ip route {line}', False, 'not understood')
            continue
        is_v6 = ':' in (m[2] if m[2] != 'default' else m[4] or '')
        net, bits = ('::' if is_v6 else '0.0.0.0', 0) if m[2] == 'default' else (m[2], int(m[3] or (128 if is_v6 else 32)))
        table = {None: 254, 'local': 255, 'main': 254, 'default': 253}.get(m[6]) or int(m[6])
        # without a word busybox shows those of IPv6 of both tables
        tables = {254, 255} if is_v6 and not m[6] else {table}
        fits = [r for r in (rows if is_v6 else v4) if r['table'] in tables and (r['dst'], r['prefix_len'], r['type']) == (net, bits, m[1] or 'unicast')]
        check.true(f'ip route {line}', fits, 'not found')
        hops = [(h['gateway'], None if m[1] == 'blackhole' and not m[5] else h['device']) for r in fits
                for h in r.get('hops') or [{'gateway': None, 'device': None}]]
        check.true(f'ip route {line} hop', (m[4], m[5]) in hops, f'is {hops}')
        if fits and not is_v6:
            check.true(f'ip route {line} scope and source', any((r['scope'], r['prefsrc'], r['metric']) == (m[7] or 'global', m[8], int(m[9] or 0))
                                                                for r in fits), fits)
    told, net = set(), None     # both tables show the one trie
    for line in want['/proc/net/fib_trie'].splitlines():
        m = re.match(r' +\|-- (\S+)', line)
        net = m[1] if m else net
        m = re.match(r' +/(\d+) (\S+) (\S+)', line)
        if m:
            told.add((net, int(m[1]), m[2].replace('universe', 'global'), m[3].lower()))
    check.same('fib_trie', sorted((r['dst'], r['prefix_len'], r['scope'], r['type']) for r in v4), sorted(told))
    if '/proc/net/ipv6_route' in want:
        told = []
        for line in want['/proc/net/ipv6_route'].splitlines():
            f = line.split()
            told.append((str(ipaddress.ip_address(bytes.fromhex(f[0]))), int(f[1], 16), str(ipaddress.ip_address(bytes.fromhex(f[4]))),
                         int(f[5], 16), int(f[8], 16), f[9]))
        ours = [(r['dst'], r['prefix_len'], h['gateway'] or '::', r['metric'], r['flags'], h['device'])
                for r in rows if r['family'] == 'inet6' for h in r['hops']]
        # the last line of a table is the entry that says that there is no route
        told = [r for r in told if r[0] != '::' or r[3] != 0xffffffff or r[5] != 'lo']
        for route in sorted(set(told) | set(ours)):
            check.true(f'ipv6_route {route}', route in told and route in ours, 'in one only')


def namespaces(path):
    """{pid: {'/proc/net/tcp': text, 'ip addr': text ...}}: what the truth says of further network namespaces."""
    result, part, name = {}, None, None
    with open(path, errors='replace') as f:
        for line in f:
            m = re.match(r'##### NETNS OF PID (\d+)', line)
            if m:
                part = result[int(m[1])] = {}
            elif line.startswith('#####'):
                part = None
            elif part is not None and line.startswith('=== ns '):
                name = line[7:].strip()
                name = '/proc/' + name if name.startswith('net/') else name
                part[name] = ''
            elif part is not None:
                part[name] += line
    return result


def namespace(check, run, want, of, all_neighbours):
    """One network namespace; of is the option that chooses it."""
    doc = run(f'net {of}')
    # the small vmlinux of arm64 has no debuginfo of IPv6
    has_v6 = not any("no type named 'inet6_ifaddr'" in error['message'] for error in doc.get('errors', []))
    if has_v6:
        check.faults(doc)
    devices(check, want, doc['devices'], has_v6)
    counters(check, want, doc['devices'])
    net = doc['devices'][0]['net']
    neighbours(check, want, [n for n in all_neighbours if n['net'] == net])
    doc = run(f'net --sockets {of}')
    check.faults(doc)
    inet(check, want, doc.get('sockets', []))
    others(check, want, doc.get('sockets', []))
    routes_doc = run(f'net --routes {of}')
    if not any('this kernel has no type named' in error['message'] for error in routes_doc.get('errors', [])):     # arm64, as above
        check.faults(routes_doc)
        routes(check, want, routes_doc.get('routes', []))
    return doc.get('sockets', [])


def main():
    program, vmlinux, vmcore, truth = arguments()
    check, want = Check(), sections(truth)

    def run(command):
        return kanalyze(program, vmlinux, vmcore, command)

    doc = run('net -a')
    check.faults(doc)
    all_neighbours = doc.get('neighbours', [])
    socks = namespace(check, run, want, '', all_neighbours)
    # /proc/net/unix shows those of its namespace since v6.0, all before
    unix(check, want, socks)
    seen = set()
    living = {t['pid'] for t in run('ps')['tasks']}
    for pid, there in namespaces(truth).items():
        if pid in living and there.get('/proc/net/dev') not in seen:
            seen.add(there['/proc/net/dev'])
            namespace(check, run, there, f'-n {pid}', all_neighbours)
    with open(truth, errors='replace') as f:
        text = f.read()
    vsocks(check, text, socks)
    # whoever has a socket as a file
    links, pid = {}, None
    for line in text.splitlines():
        m = re.match(r'##### PID (\d+)', line)
        pid = int(m[1]) if m else pid
        m = re.search(r' (\d+) -> socket:\[(\d+)\]', line)
        if m and pid:
            links.setdefault(int(m[2]), set()).add((pid, int(m[1])))
    all_ = run('net --sockets --all-namespaces')
    check.faults(all_)
    ours = {s['ino']: {(u['pid'], u['fd']) for u in s['users']} for ns in all_['namespaces'] for s in ns['sockets'] if s.get('users')}
    for ino, users in links.items():
        check.same(f'socket:[{ino}]: who has it', ours.get(ino), users)
    sys.exit(check.done())


main()
