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
