#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fuzzer for some seconds, from seeds: run.py FUZZER SEEDS FINDINGS [SECONDS]

Passes when nothing was found; else what was found is in FINDINGS, and printed in base64, so that the log of a CI is enough to try it again:
FUZZER FILE.
"""
import base64, os, re, subprocess, sys, tempfile


def main():
    fuzzer, seeds, findings = (os.path.abspath(w) for w in sys.argv[1:4])
    seconds = int(os.environ.get("KA_FUZZ_SECONDS", sys.argv[4] if len(sys.argv) > 4 else "10"))
    os.makedirs(findings, exist_ok=True)
    if not os.path.isdir(seeds) or not os.listdir(seeds):
        print("no seeds in %s" % seeds)
        return 1
    before = set(os.listdir(findings))
    with tempfile.TemporaryDirectory() as corpus:
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1",
                   XDG_CACHE_HOME=corpus)
        p = subprocess.run([fuzzer, corpus, seeds, "-max_total_time=%d" % seconds, "-timeout=25", "-rss_limit_mb=2560", "-max_len=%d" % max([16384] + [os.path.getsize(os.path.join(seeds, n)) for n in os.listdir(seeds)]),
                            "-print_final_stats=1", "-artifact_prefix=%s/" % findings], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, cwd=corpus)
        grown = len(os.listdir(corpus))
    out = p.stdout.decode("latin1")
    count = re.search(r"stat::number_of_executed_units:\s*(\d+)", out)
    print("%s executions in %d s, %d seeds, %d new inputs" % (count.group(1) if count else "?", seconds, len(os.listdir(seeds)), grown))
    for name in sorted(set(os.listdir(findings)) - before):
        print("found: %s\n%s" % (name, base64.b64encode(open(os.path.join(findings, name), "rb").read()).decode()))
    if p.returncode:
        print(out[-6000:])
    # a leak's is 77, which would be a skipped test
    return p.returncode != 0


sys.exit(main())
