#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# Random integer expressions of C without undefined behaviour (but for overflow: -fwrapv), always the same ones.
import random, sys

random.seed(20)
CASTS = ['char', 'signed char', 'unsigned char', 'short', 'unsigned short', 'int', 'unsigned', 'unsigned int', 'long',
         'unsigned long', 'long long', 'unsigned long long', '_Bool', 'long int', 'short int']

def literal():
    n = random.choice([0, 1, 2, 7, 10, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2147483647, 2147483648, 4294967295,
                       4294967296, 9223372036854775807, random.getrandbits(8), random.getrandbits(31), random.getrandbits(62)])
    kind = random.random()
    if kind < 0.15:
        # of type char for us, as for gdb: a sign makes it an int, as it is in C
        return "(+%s)" % random.choice(["'a'", "'\\n'", "'\\x7f'", "'\\377'", "'0'", "'\\\\'"])
    text = random.choice(['%d', '0x%x', '0%o'] if n else ['0']) % (n if n else ()) if n else '0'
    return text + random.choice(['', '', '', 'U', 'L', 'UL', 'ul', 'LL', 'ULL', 'll', 'u'])

def expr(depth):
    if depth == 0 or random.random() < 0.1:
        return literal()
    pick = random.random()
    if pick < 0.50:
        op = random.choice(['+', '-', '*', '&', '|', '^', '<', '>', '<=', '>=', '==', '!=', '&&', '||', '+', '-', '*'])
        # without parentheses, precedence is tested, too
        a, b = expr(depth - 1), expr(depth - 1)
        return random.choice(['%s %s %s', '(%s) %s (%s)', '(%s %s %s)']) % (a, op, b)
    if pick < 0.58:
        return '(%s) %s (((%s) & 0xff) | 1)' % (expr(depth - 1), random.choice(['/', '%']), expr(depth - 1))
    if pick < 0.66:
        return '((%s) %s ((%s) & 31))' % (expr(depth - 1), random.choice(['<<', '>>']), expr(depth - 1))
    if pick < 0.78:
        return random.choice(['- ', '~', '!', '+ ']) + '(' + expr(depth - 1) + ')'
    if pick < 0.88:
        return '(%s)(%s)' % (random.choice(CASTS), expr(depth - 1))
    if pick < 0.94:
        return '(%s ? %s : %s)' % (expr(depth - 1), expr(depth - 1), expr(depth - 1))
    return random.choice(['sizeof(%s)', 'sizeof (%s)', '(int)sizeof(%s)']) % (expr(depth - 1) if random.random() < 0.7 else random.choice(CASTS))

with open(sys.argv[1], 'w') as out:
    for i in range(3000):
        e = expr(random.randint(1, 5))
        # a literal that does not fit long is another type for each compiler
        out.write('\t{ "%s", (uint64_t)(%s), sizeof(%s), (__typeof__(%s))-1 < (__typeof__(%s))1 },\n' %
                  (e.replace('\\', '\\\\'), e, e, e, e))
