#!/usr/bin/env python3
"""A second, executable model of the rules of membership (docs/membership.md), and random histories with its answers.

    python3 sync/core/tests/oracle/membership.py 100000 > /tmp/cases
    WEFT_MEMBERSHIP_CASES=/tmp/cases cargo test -p weft-sync --lib the_fold_agrees_with_the_model

The second argument is the first seed (1). `--without RULE` leaves a rule of the model out: then the two must not agree;
the rules are rank, reassign, rewrap, block, userkey and late.

It shares no code with the program: membership is a pure function of the set of operations, written down recursively, with
answers remembered. An Op is one operation in an entry of its own, and `par` all that its entry names: prev, acl_heads, and
of a Revoke and RmDev also `seen`. `dev` is the key that signed it: a device, or "R:" and a user for the key of that user.
A device's name begins with the letter of its user, because a device id commits to its user.

Left out: that only the last link of a chain becomes a device, who may append an AddDev, and the epochs of writes.
"""

import argparse
import random
import sys

sys.setrecursionlimit(100_000)
OWNER, ADMIN, EDITOR, VIEWER, KEEPER = 5, 4, 3, 2, 1
# Rules that are left out.
BREAK = set()


class Op:
    """One operation. What `a` holds depends on the kind:

    genesis(owner) adddev(user, device, proof, signer) rmdev(user, device) grant(user, class, via) revoke(user, via)
    write() epoch(epoch id, of)
    """

    __slots__ = ("id", "dev", "kind", "a", "par")

    def __init__(self, i, dev, kind, a, par):
        self.id, self.dev, self.kind, self.a, self.par = i, dev, kind, a, frozenset(par)


class Fold:
    """Answers about one set of operations. Nothing in here depends on their order."""

    def __init__(self, ops):
        self.o = {x.id: x for x in ops}
        self.m = {}
        self.P = {}
        self.stack = set()
        self.maxd = 0
        self.grants = {x.id: x for x in ops if x.kind in ("genesis", "grant")}
        self.revs = sorted((x for x in ops if x.kind == "revoke"), key=lambda x: x.id)
        self.adds = {}
        for x in sorted(ops, key=lambda x: x.id):
            if x.kind == "adddev":
                self.adds.setdefault(x.a[1], []).append(x)
        self.certs = {d: [c for c in cs if self.cand(c)] for d, cs in self.adds.items()}
        self.certs = {d: cs for d, cs in self.certs.items() if cs}
        if "reassign" in BREAK:
            self.certs = {d: [c for c in cs if c.a[0] == cs[0].a[0]] for d, cs in self.certs.items()}
        self.rms = sorted(
            (
                x
                for x in ops
                if x.kind == "rmdev" and self.weak(x) and self.user(x.dev) == x.a[0] == self.user(x.a[1])
            ),
            key=lambda x: x.id,
        )

    def past(self, i):
        if i not in self.P:
            r = set()
            for p in self.o[i].par:
                r.add(p)
                r |= self.past(p)
            self.P[i] = frozenset(r)
        return self.P[i]

    # -- devices: structural, no recursion into grants
    def cand(self, c, avoid=frozenset()):
        """A link with proof of possession, signed by the user key or along a chain of distinct devices of that user.

        Who appended it does not matter."""
        user, device, proof, signer = c.a
        if not proof and "proof" not in BREAK:
            return False
        if user != device[0].upper() and "reassign" not in BREAK:
            return False
        if signer.startswith("R:"):
            return signer[2:] == user
        av = avoid | {device}
        if signer in av:
            return False
        return any(p.a[0] == user and p.id in self.past(c.id) and self.cand(p, av) for p in self.adds.get(signer, ()))

    def user(self, dev):
        if dev.startswith("R:"):
            return dev[2:]
        if "reassign" in BREAK:
            return self.certs[dev][0].a[0] if dev in self.certs else None
        return dev[0].upper() if dev in self.certs else None

    def weak(self, op):
        return op.dev.startswith("R:") or any(c.id in self.past(op.id) for c in self.certs.get(op.dev, ()))

    def ancestors(self, dev, seen=None):
        seen = set() if seen is None else seen
        if dev.startswith("R:") or dev in seen:
            return seen
        seen.add(dev)
        for c in self.certs.get(dev, ()):
            self.ancestors(c.a[3], seen)
        return seen

    def vouches(self, c):
        """May this certificate of D shield D? Only when the user key appended it, or a device of the same user that is
        not D and does not descend from D: anybody can replay a chain."""
        D = c.a[1]
        if "block" in BREAK:
            return True
        if self.late(c):
            return False
        return (
            c.dev == "R:" + c.a[0]
            or self.user(c.dev) == c.a[0]
            and self.weak(c)
            and c.dev != D
            and D not in self.ancestors(c.dev)
        )

    def honest(self, g):
        return (
            self.grants[g].kind == "genesis"
            or self.grants[g].a[2] in self.grants
            and self.grants[g].a[2] in self.past(g)
            and self.user(self.grants[g].dev) == self.holder(self.grants[g].a[2])
        )

    def top(self, u):
        """The greatest rank that anybody who could has ever written for u."""
        if ("top", u) not in self.m:
            self.m["top", u] = max(
                [self.key(g) for g in self.grants if self.holder(g) == u and self.honest(g)], default=(-1, 0)
            )
        return self.m["top", u]

    def late(self, r):
        """A removal or shielding certificate of a device by somebody who had been removed, by a rank above all they ever
        had, and was not let in again. It does not count: else a removed admin could void old grants of their own."""
        k = ("late", r.id)
        if k not in self.m:
            u = r.a[0]
            self.m[k] = "late" not in BREAK and any(
                x.a[0] == u
                and self.removal(x)
                and self.key(x.a[1]) > self.top(u)
                and r.id not in self.past(x.id)
                and self.auth(x.a[1], x.id)
                and not any(
                    self.holder(g) == u and self.honest(g) and g in self.past(r.id) and x.id in self.past(g)
                    for g in self.grants
                )
                for x in self.revs
            )
        return self.m[k]

    def rm_hits(self, D):
        """Removals of D that count: those by the user key alone where there is one, so it heals what a thief did; else
        all that nothing blocks: a device that had been removed before D was certified (again) cannot touch D."""
        if ("rh", D) in self.m:
            return self.m["rh", D]
        out = [
            r
            for r in self.rms
            if r.a[1] == D and r.a[0] == self.user(D) and r.dev.startswith("R:") and not self.late(r)
        ]
        if out and "userkey" not in BREAK:
            self.m["rh", D] = out
            return out
        for r in self.rms:
            if (
                r.a[1] != D
                or r.a[0] != self.user(D)
                or r.dev.startswith("R:")
                and "userkey" not in BREAK
                or self.late(r)
            ):
                continue
            anc = self.ancestors(r.dev)
            if any(
                q.a[1] in anc and q.id in self.past(c.id) and not self.late(q)
                for c in self.certs[D]
                if self.vouches(c)
                for q in self.rms
            ):
                continue
            out.append(r)
        self.m["rh", D] = out
        return out

    def signerok(self, c):
        """Does certificate c stand? Signed by the user key, or by a standing device that no removal without c hits."""
        k = ("so", c.id)
        if k not in self.m:
            x = c.a[3]
            self.m[k] = (
                x.startswith("R:")
                or all(c.id in self.past(r.id) for r in self.rm_hits(x))
                and any(p.id in self.past(c.id) and self.signerok(p) for p in self.certs.get(x, ()))
            )
        return self.m[k]

    def devok(self, op):
        if op.dev.startswith("R:"):
            return True
        k = ("dk", op.id)
        if k not in self.m:
            self.m[k] = (
                op.dev in self.certs
                and all(op.id in self.past(r.id) for r in self.rm_hits(op.dev))
                and any(c.id in self.past(op.id) and self.signerok(c) for c in self.certs[op.dev])
            )
        return self.m[k]

    # -- grants
    def key(self, g):
        if ("k", g) not in self.m:
            x = self.grants[g]
            self.m["k", g] = (
                (OWNER, 0)
                if x.kind == "genesis"
                else (
                    min(x.a[1], ADMIN),
                    self.key(x.a[2])[1] - 1 if x.a[2] in self.grants and x.a[2] in self.past(g) else -(10**6),
                )
            )
        return self.m["k", g]

    def holder(self, g):
        return self.grants[g].a[0]

    def auth(self, g, e):
        """Does grant g authorise operation e? Not beyond the cut, whatever parents e claims."""
        k = ("au", g, e)
        if k in self.m:
            return self.m[k]
        if k in self.stack:
            raise RuntimeError("cycle")
        self.stack.add(k)
        self.maxd = max(self.maxd, len(self.stack))
        x = self.o[e]
        ok = (
            self.honest(g)
            and g in self.past(e)
            and self.user(x.dev) == self.holder(g)
            and self.devok(x)
            and self.gvalid(g)
            and all(e in self.past(r.id) for r in self.killers(g))
        )
        self.stack.discard(k)
        self.m[k] = ok
        return ok

    def gvalid(self, g):
        x = self.grants[g]
        if x.kind == "genesis":
            return True
        via = x.a[2]
        if via not in self.grants:
            return False
        kv = self.key(via)
        return (kv[0] == OWNER and x.a[1] <= ADMIN or kv[0] == ADMIN and x.a[1] <= EDITOR) and self.auth(via, g)

    def killers(self, g):
        k = ("ki", g)
        if k not in self.m:
            above = (lambda a, b: a >= b) if "rank" in BREAK else (lambda a, b: a > b)
            self.m[k] = [
                r
                for r in self.revs
                if r.a[0] == self.holder(g)
                and r.id not in self.past(g)
                and self.removal(r)
                and above(self.key(r.a[1]), self.key(g))
                and self.auth(r.a[1], r.id)
            ]
        return self.m[k]

    def removal(self, r):
        return r.a[1] in self.grants and self.key(r.a[1])[0] >= ADMIN

    # -- answers
    def counts(self, e, least=EDITOR):
        return any(self.key(g)[0] >= least and self.auth(g, e) for g in self.grants)

    def roles(self):
        r = {}
        for g in self.grants:
            if self.gvalid(g) and not self.killers(g):
                u = self.holder(g)
                r[u] = max(r.get(u, 0), self.key(g)[0])
        return r

    def devices(self):
        return frozenset(
            d for d in self.certs if not self.rm_hits(d) and any(self.signerok(c) for c in self.certs[d])
        )

    def live(self):
        return (
            self.roles(),
            self.devices(),
            frozenset(x.id for x in self.o.values() if x.kind == "write" and self.counts(x.id)),
        )

    def known(self, u):
        """May entries of this user be stored at all? The owner's, and whose some grant named validly in the fold of
        that grant's own past."""
        gs = [g for g in self.grants if self.holder(g) == u]
        return any(
            self.grants[g].kind == "genesis" or Fold([self.o[i] for i in self.past(g)] + [self.o[g]]).gvalid(g)
            for g in gs
        )

    def closure(self, heads):
        r = set(heads)
        for h in heads:
            r |= self.past(h)
        return r

    def usable(self, epoch, heads):
        """May new entries at these heads be sealed under this epoch? Every counting original of it was written by a live
        device, and knew of every counting removal."""
        at = Fold([self.o[i] for i in self.closure(heads)])
        roles, devs = at.roles(), at.devices()
        every = [x for x in at.o.values() if x.kind == "epoch" and x.a[0] == epoch and at.counts(x.id)]
        orig = every if "rewrap" in BREAK else [x for x in every if x.a[1] is None]
        if not orig:
            return False
        gone = [r.id for r in at.revs if at.removal(r) and at.auth(r.a[1], r.id)]
        gone += [r.id for d in at.certs for r in at.rm_hits(d) if roles.get(at.user(d), 0) >= VIEWER]

        def ok(x):
            return (
                (x.dev.startswith("R:") or x.dev in devs)
                and roles.get(at.user(x.dev), 0) >= VIEWER
                and all(g in at.past(x.id) for g in gone)
            )

        return any(map(ok, orig)) if "rewrap" in BREAK else all(map(ok, orig))


U = ["O", "A", "B", "C", "D"]


def gen(rng, n, ids, ops=None, only=None):
    """Random operations. `only` gives the keys that an adversary holds: any parents and any names, but proofs and
    signatures only with those keys, or replayed."""
    ops = list(ops or [])
    if not ops:
        ops = [Op("g0", "R:O", "genesis", ("O",), [])]
        par = ["g0"]
        for u in U:
            i = next(ids)
            ops.append(Op(i, rng.choice(["R:" + u, "o1"]), "adddev", (u, u.lower() + "1", True, "R:" + u), par))
            par = [i]
        for u, r in (("A", ADMIN), ("B", ADMIN), ("C", EDITOR), ("D", EDITOR)):
            if rng.random() < 0.8:
                i = next(ids)
                ops.append(Op(i, "o1", "grant", (u, r, "g0"), par))
                par = [i]
        i = next(ids)
        ops.append(Op(i, "o1", "epoch", ("k0", None), par))
    last = {}
    for x in ops:
        last[x.dev] = x.id
    for _ in range(n):
        devs = sorted({x.a[1] for x in ops if x.kind == "adddev"})
        held = only(ops) if only else devs + ["R:O", "R:A"]
        d = rng.choice(held)
        own = d[2:] if d.startswith("R:") else d[0].upper()
        kids = set().union(*[x.par for x in ops])
        par = (
            [x.id for x in ops if x.id not in kids]
            if rng.random() < 0.45
            else [rng.choice(ops).id for _ in range(rng.randint(1, 3))]
        )
        if d in last and not only and rng.random() < 0.8:
            par.append(last[d])
        if rng.random() < 0.9:
            par += [x.id for x in ops if x.kind == "adddev" and x.a[1] == d][:1]
        grants = [x.id for x in ops if x.kind in ("genesis", "grant")]
        k = rng.choice(
            ["grant", "grant", "revoke", "revoke", "adddev", "adddev", "rmdev", "write", "write", "role", "epoch"]
        )

        def put(kind, a, par):
            i = next(ids)
            ops.append(Op(i, d, kind, a, set(par)))
            last[d] = i
            return i

        if k == "grant":
            via = rng.choice(grants)
            put("grant", (rng.choice(U), rng.choice([1, 2, 3, 4, 4]), via), par + [via])
        elif k == "revoke":
            via = rng.choice(grants)
            put("revoke", (rng.choice(U), via), par + [via])
        elif k == "role":
            via = rng.choice(grants)
            u = rng.choice(U)
            r = put("revoke", (u, via), par + [via])
            put("grant", (u, rng.choice([1, 2, 3]), via), par + [via, r])
        elif k == "adddev":
            m = rng.random()
            signer = rng.choice(held)
            if m < 0.4:
                u = signer[2:] if signer.startswith("R:") else signer[0].upper()
                put(
                    "adddev",
                    (u, u.lower() + str(rng.randint(2, 4)) + (rng.choice("xyz") if only else ""), True, signer),
                    par,
                )  # a new key of his
            elif m < 0.6:
                put("adddev", (rng.choice(U), rng.choice(devs), False, signer), par)  # a key he does not hold
            elif m < 0.75:
                put(
                    "adddev",
                    (
                        rng.choice(U),
                        rng.choice([h for h in held if not h.startswith("R:")] or devs[:1]),
                        not only or bool([h for h in held if not h.startswith("R:")]),
                        signer,
                    ),
                    par,
                )  # a key he holds, for any user
            else:
                put("adddev", rng.choice([x for x in ops if x.kind == "adddev"]).a, par)  # a replayed chain
        elif k == "rmdev":
            put("rmdev", (rng.choice([own, own, rng.choice(U)]), rng.choice(devs)), par)
        elif k == "epoch":
            es = [x for x in ops if x.kind == "epoch"]
            m = rng.random()
            if m < 0.5 or not es:
                put("epoch", (f"k{rng.getrandbits(20)}", None), par)
            else:
                e = rng.choice(es)
                put("epoch", (e.a[0], e.id if m < 0.8 else None), par + ([e.id] if m < 0.8 else []))
        else:
            put(k, (), par)
    return ops


def mkids(rng):
    """Random ids: an adversary may also grind low ones."""
    n = 0
    while True:
        n += 1
        yield f"{rng.getrandbits(40):010x}{n:04d}"


def keys(user):
    """The keys that a person holds: devices with proof, and the user key."""

    def held(ops):
        mine = [x.a[1] for x in ops if x.kind == "adddev" and x.a[1][0].upper() == user and x.a[2]]
        return mine + ["R:" + user]

    return held


def history(seed):
    """One history: people who act, and half of the time somebody at the end who follows no rule."""
    rng = random.Random(seed)
    ids = mkids(rng)
    ops = gen(rng, rng.randint(5, 30), ids)
    if rng.random() < 0.5:
        ops = gen(rng, rng.randint(2, 8), ids, ops, keys(rng.choice(U)))
    return rng, ops


def words(fold, x, number):
    """The operation as a line of the file has it."""
    if x.kind == "genesis":
        return f"genesis {x.a[0]}"
    if x.kind == "adddev":
        user, device, _, signer = x.a
        return f"cert {user} {device} {signer} {int(fold.cand(x))}"
    if x.kind == "rmdev":
        return f"rmdev {x.a[0]} {x.a[1]}"
    if x.kind == "grant":
        return f"grant {x.a[0]} {x.a[1]} {number[x.a[2]]}"
    if x.kind == "revoke":
        return f"revoke {x.a[0]} {number[x.a[1]]}"
    if x.kind == "epoch":
        return f"epoch {x.a[0]} {int(x.a[1] is None)}"
    return x.kind


def export(seed, out):
    """Writes one case, as docs/membership.md describes it."""
    rng, ops = history(seed)
    number = {x.id: place for place, x in enumerate(ops)}
    fold = Fold(ops)
    roles, devices, writes = fold.live()
    lines = [f"case {seed}"]
    for x in ops:
        parents = " ".join(str(place) for place in sorted(number[p] for p in x.par))
        lines.append(f"op {x.dev} {words(fold, x, number)} | {parents}")
    lines.append("roles " + " ".join(f"{user}:{level}" for user, level in sorted(roles.items())))
    lines.append("devices " + " ".join(sorted(devices)))
    lines.append("writes " + " ".join(str(place) for place in sorted(number[w] for w in writes)))
    lines.append("known " + " ".join(user for user in U if fold.known(user)))
    epochs = sorted({x.a[0] for x in ops if x.kind == "epoch"})
    ends = [x.id for x in ops if not any(x.id in y.par for y in ops)]
    for heads in (ends, [rng.choice(ops).id for _ in range(3)]):
        usable = [epoch for epoch in epochs if fold.usable(epoch, heads)]
        asked = " ".join(str(number[head]) for head in heads)
        lines.append(f"usable {asked} | " + " ".join(usable))
    out.write("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description="Random histories of a membership, with the answers of a model.")
    parser.add_argument("cases", type=int)
    parser.add_argument("first_seed", type=int, nargs="?", default=1)
    rules = ["rank", "reassign", "rewrap", "block", "userkey", "late"]
    parser.add_argument("--without", choices=rules, action="append", default=[])
    arguments = parser.parse_args()
    BREAK.update(arguments.without)
    skipped = 0
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.cases):
        try:
            export(seed, sys.stdout)
        except RuntimeError:
            # Only without the rule of ranks do the questions go round in circles.
            skipped += 1
    print(f"{arguments.cases - skipped} histories, {skipped} without an answer", file=sys.stderr)


if __name__ == "__main__":
    main()
