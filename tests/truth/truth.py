# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the checks against ground truth share: reading truth.txt, running kanalyze, counting."""
import json
import os
import re
import subprocess
import sys


def sections(path):
    """The sections of truth.txt: {"/proc/uptime": "14.51 14.46\\n", "date -u": ...}; the first of a name counts.
    A line of ##### PID or TID opens those of a task, which are left out; another line of ##### ends them."""
    result, name, is_task = {}, None, False
    with open(path, errors='replace') as f:
        for line in f:
            if line.startswith('##### '):
                name, is_task = None, re.match(r'##### (PID|TID) ', line)
            elif line.startswith('=== '):
                name = line[4:].strip()
                if is_task or name in result:
                    name = None
                else:
                    result[name] = ''
            elif name is not None:
                result[name] += line
    return result


def section_name(title):
    """Of a task's section: "/proc/7/stat", "/proc/7/task/8/stat", "fd 7", "ls -l /proc/7/fd" ... -> "stat", "fd"; "ls -l" of its
    working directory and the like is "links", its arguments "cmdline"."""
    if title.startswith('tr '):
        return 'cmdline'
    m = re.match(r'(?:ls -ld? )?/proc/\d+/(?:task/\d+/)?(\S+)', title)
    name = m[1] if m else re.sub(r' \d+$', '', title)
    return 'links' if name == 'cwd' else name


def tasks(path):
    """{pid: {'tgid':, 'comm':, 'sections': {name: text}}} of processes and their other threads."""
    result, sections_, name = {}, None, None
    with open(path, errors='replace', newline='\n') as f:
        for line in f:
            # wchan and loginuid have no line break at their ends: what follows it stands in the same line
            head = re.search(r'##### (?:(PID) (\d+) ?(.*)|(TID) (\d+) OF (\d+).*)$', line)
            title = None if head else re.search(r'(.*?)=== (\S.*)$', line)
            if head:
                pid = int(head[2] or head[5])
                sections_, name = {}, None
                result[pid] = {'tgid': int(head[6] or pid), 'comm': head[3], 'sections': sections_}
            elif line.startswith('##### '):
                sections_ = None
            elif sections_ is None:
                continue
            elif title and (not title[1] or name in ('wchan', 'loginuid', 'sessionid')):
                if title[1]:
                    sections_[name] += title[1]
                name = section_name(title[2].strip('\n'))
                if name in sections_:
                    name = None
                else:
                    sections_[name] = ''
            elif name is not None:
                sections_[name] += line
    return result


def descriptors(sections_):
    """{number: path} of a task's sections: what `ls -l` told of its fd."""
    return {int(m[1]): m[2] for m in re.finditer(r':\d\d (\d+) -> (.*)$', sections_.get('fd', ''), re.M)}


def fdinfos(sections_):
    """{number: {key: [value ...]}}; some truths have those of 0 to 6 behind each other."""
    result, texts = {}, {}
    for name, text in sections_.items():
        if re.match(r'fdinfo/\d+$', name):
            texts[int(name[7:])] = text
    if 'fdinfo' in sections_:
        parts = re.split(r'^(?=pos:\t)', sections_['fdinfo'], flags=re.M)[1:]
        numbers = sorted(n for n in descriptors(sections_) if n <= 6)
        if len(parts) == len(numbers):      # else one came or went between the two listings
            texts.update(zip(numbers, parts))
    for number, text in texts.items():
        info = result.setdefault(number, {})
        for line in text.splitlines():
            key, _, value = line.partition(' ' if re.match(r'(inotify|fanotify) ', line) else ':')
            info.setdefault(key.strip(), []).append(value.strip())
    return result


def pairs(text):
    """"wd:2 ino:1f" -> {'wd': '2', 'ino': '1f'}"""
    return dict(w.split(':', 1) for w in text.split() if ':' in w)


def beside(truth, name):
    """A file beside truth.txt (or beside X.truth.txt: X.NAME), or None."""
    path = os.path.abspath(truth)
    path = path[:-len('truth.txt')] + name if path.endswith('truth.txt') else os.path.join(os.path.dirname(path), name)
    return open(path, errors='replace').read() if os.path.exists(path) else None


def kanalyze(program, vmlinux, vmcore, command):
    """The JSON document of one command."""
    run = subprocess.run([program, '--json', '-c', command, vmlinux, vmcore], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, errors='replace', check=False, env=dict(os.environ, TZ='UTC'))
    if run.returncode not in (0, 1):
        sys.exit(f'{command}: exit status {run.returncode}: {run.stderr.strip()}')
    return json.loads(run.stdout)


class Check:
    """Counts comparisons; what differs is told unless it is explained."""

    def __init__(self):
        self.compared = self.equal = self.explained = 0

    def same(self, what, is_, want, why=None):
        self.compared += 1
        if is_ == want:
            self.equal += 1
        elif why:
            self.explained += 1
            print(f'explained: {what}: is {is_!r}, truth {want!r}: {why}')
        else:
            print(f'DIFFERS: {what}: is {is_!r}, truth {want!r}')

    def true(self, what, condition, detail=''):
        self.compared += 1
        if condition:
            self.equal += 1
        else:
            print(f'DIFFERS: {what}: {detail}')

    def faults(self, document):
        for error in document.get('errors', []):
            self.compared += 1
            print(f'DIFFERS: {document.get("command")}: fault: {error.get("message", error)}')

    def done(self):
        """Exit status."""
        left = self.compared - self.equal - self.explained
        print(f'{self.compared} compared, {self.equal} equal, {self.explained} explained, {left} unexplained')
        return 1 if left or not self.compared else 0


def arguments():
    if len(sys.argv) != 5:
        sys.exit(f'usage: {sys.argv[0]} KANALYZE VMLINUX VMCORE TRUTH')
    return sys.argv[1:]
