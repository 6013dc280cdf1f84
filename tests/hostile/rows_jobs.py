"""Files beside the cohort that may be hostile: models, configurations, checkpoints. Classes by the contract.

Each payload would leave a file named `marker` in the folder where the command runs; none may appear.
"""

import gzip
import io
import json
import os
import pickle
import zipfile

import numpy as np

from tests.conftest import table_of
from tests.hostile.tables import Row, Variant, csv_of

ACCEPT, REJECT, FLAG, REFUSE = (0,), (2,), (3,), (4,)
SCENARIO = """name: small
endpoint: pfs
marker: {name: igf1r, prevalence: {value: 0.4}}
control: {median: 6}
treatment: {hazard_ratio: {positive: 0.6, negative: 1.0}}
accrual: {screened_per_month: 30}
designs:
  all_comers: {n: 200, events: 130}
simulation: {replicates: 200, seed: 3}
"""


class Payload:
    """What leaves a marker when it is loaded."""

    def __init__(self, how=os.system, what="touch marker"):
        self.how, self.what = how, what

    def __reduce__(self):
        return self.how, (self.what,)


def no_marker(end, folder, target):
    assert not (folder / "marker").exists()


def model(content, name="model.json"):
    def make(folder):
        (folder / "c.csv").write_bytes(csv_of(table_of()))
        data = content() if callable(content) else content
        (folder / name).write_bytes(data)
        return ["score", "c.csv", "--plan", "breast", "--model", name]

    return make


def npy(value, **more):
    buffer = io.BytesIO()
    np.save(buffer, value, allow_pickle=True, **more)
    return buffer.getvalue()


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zipped_pickle(name="archive/data.pkl"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, pickle.dumps(Payload()))
    return buffer.getvalue()


BAIT = (
    b'{"py/object": "os.system", "py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["touch marker"]}]}', b'{"__class__": "os.system", "args": ["touch marker"]}',
    b'{"coef": "__import__(\'os\').system(\'touch marker\')"}', b'{"$type": "System.Diagnostics.Process"}', b'{"__reduce__": ["os.system", ["touch marker"]]}', b'{"schema": "igfstrat.model/1", "__proto__": {}}',
    b'{"schema": "igfstrat.model/99"}', b'{"schema": {"a": 1}}', b"[]", b"{}", b"null", b"NaN", b'"model"', b"1e999", b'{"schema": NaN}', b'{"schema": "igfstrat.model/1", "schema": "x"}', b"{'a': 1}", b"!!python/object/apply:os.system [touch marker]",
)  # fmt: skip
ARGUMENTS = ("c.csv", "nothing.json", "/dev/zero", "/etc/passwd", "..", "", "x" * 300, "model.json\x00")
MODEL = (
    Row("model", "a pickle", REFUSE, "pickle or unsafe or trusted", (
        *(Variant(f"protocol {p} as {name}", model(lambda p=p: pickle.dumps(Payload(), protocol=p), name)) for p in range(6) for name in ("model.json", "m.pkl")),
        *(Variant(how.__name__, model(lambda how=how, what=what: pickle.dumps(Payload(how, what)))) for how, what in ((eval, "open('marker','w')"), (exec, "open('marker','w')"))),
        Variant("joblib", model(lambda: joblib_bytes())), Variant("torch", model(zipped_pickle)), Variant("with a mark", model(lambda: b"\xef\xbb\xbf" + pickle.dumps(Payload()))),
        Variant("gzip", model(lambda: gzip.compress(pickle.dumps(Payload())))), Variant("after blanks", model(lambda: b"  \n" + pickle.dumps(Payload(), protocol=2))),
    ), no_marker),
    Row("model", "an array of objects", REFUSE, "pickle or unsafe or object", (
        Variant("npy", model(lambda: npy(np.array([Payload()], dtype=object)), "m.npy")), Variant("npz", model(lambda: npz(a=np.array([Payload()], dtype=object)), "m.npz")), Variant("plain npy", model(lambda: npy(np.arange(3.0)), "m.npy")),
    ), no_marker),
    Row("model", "bait for a class", REJECT, "coef or schema or model", tuple(Variant(ascii(bait)[2:32], model(bait)) for bait in BAIT), no_marker),
    Row("model", "nested without end", REJECT, "nest or deep or model", (
        *(Variant(f"{n} {o.decode()}", model(o * n + c * n)) for n in (30, 1_000, 100_000) for o, c in ((b"[", b"]"), (b'{"a":', b"}"))), Variant("never closed", model(b"[" * 100_000)), Variant("a million closed", model(b"]" * 1_000_000)),
    )),
    Row("model", "empty", REJECT, "empty or model", tuple(Variant(ascii(data), model(data)) for data in (b"", b" \n", b"\xef\xbb\xbf"))),
    Row("model", "too large", REJECT, "large or model", (Variant("21 MB", model(lambda: b"[" + b"1," * 10_500_000 + b"1]")), Variant("a million digits", model(b'{"schema": ' + b"9" * 1_000_000 + b"}")))),
    Row("model", "no model file", REJECT, "", tuple(Variant(ascii(name)[:40], lambda folder, name=name: [*model(b"{}")(folder)[:-1], name]) for name in ARGUMENTS[:-1])),
)  # fmt: skip


def joblib_bytes():
    import joblib

    buffer = io.BytesIO()
    joblib.dump({"model": Payload()}, buffer)
    return buffer.getvalue()


def scenario(text, *more, name="scenario.yaml", beside=None):
    def make(folder):
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        for other, data in (beside or {}).items():
            (folder / other).write_bytes(data)
        return ["simulate", name, "--n-jobs", "1", *more]

    return make


def changed(old, new):
    assert old in SCENARIO
    return SCENARIO.replace(old, new)


TAGS = (
    "!!python/object/apply:os.system [touch marker]", "!!python/object/new:os.system [touch marker]", "!!python/name:os.system ''", "!!python/module:os ''", "!!python/object:os.system {}", "!!python/tuple [1]",
    "!<tag:yaml.org,2002:python/object/apply:os.system> [touch marker]", "!custom x", "!!binary aGk=", "!!set {a}", "!!timestamp 2024-01-01", "!!omap [a: 1]", "!ruby/object:Gem {}", "!!js/function 'x'", "!!str x", "!!float 1", "!include /etc/passwd", "!ENV x",
)  # fmt: skip
SCALARS = (("seed: 3", "seed: 1e3"), ("seed: 3", "seed: 0123"), ("seed: 3", "seed: on"), ("seed: 3", "seed: 12:30:45"), ("seed: 3", "seed: yes"), ("seed: 3", "seed: 0x1F"), ("seed: 3", "seed: 0o17"), ("seed: 3", "seed: 1_000"),
           ("seed: 3", "seed: 1.0"), ("seed: 3", "seed: .inf"), ("seed: 3", "seed: -1"), ("seed: 3", "seed: null"), ("seed: 3", "seed: '3'"), ("seed: 3", "seed: 2024-01-05"), ("seed: 3", "seed: [3]"), ("seed: 3", "seed: true"),
           ("seed: 3", f"seed: {2**70}"), ("seed: 3", f"seed: {'9' * 5000}"), ("seed: 3", "seed: +3"), ("seed: 3", "seed: ３"))  # fmt: skip
ESCAPES = (
    "/etc/passwd",
    "../cohort.csv",
    "../../../../etc/passwd",
    "a/../../x.csv",
    "~/x.csv",
    "file:///etc/passwd",
    "//server/share",
    "C:\\x.csv",
    "link.csv",
    "\\\\host\\x",
    "/proc/self/environ",
    "sub/../../x",
    ".",
    "cohort.csv\\0",
)


def from_cohort(path):
    return changed(
        "prevalence: {value: 0.4}", f"prevalence: {{from_cohort: {json.dumps(path)}, map: map.yaml}}"
    )


def escaping(path):
    def make(folder):
        (folder / "link.csv").symlink_to("/etc/passwd")
        return scenario(from_cohort(path), beside={"map.yaml": b"columns: {patient_id: a}\n"})(folder)

    return make


def no_secret(end, folder, target):
    assert "root:" not in end["out"] + end["err"]
    assert "daemon" not in end["out"] + end["err"]


LAUGHS = "a: &a [x]\n" + "".join(
    f"{c}: &{c} [*{p}, *{p}, *{p}]\n" for p, c in zip("abcdefghij", "bcdefghijk", strict=True)
)
CONFIG = (
    Row("config", "a tag", REFUSE, "tag or unsafe or yaml or config", (
        *(Variant(tag[:40], scenario(changed("name: small", f"name: {tag}"))) for tag in TAGS), *(Variant(f"seed {tag[:30]}", scenario(changed("seed: 3", f"seed: {tag}"))) for tag in TAGS[:2]), Variant("key", scenario(f"{TAGS[0]}: 1\n" + SCENARIO)),
        Variant("deep", scenario(changed("{value: 0.4}", "{value: !!python/object/apply:os.system [touch marker]}"))), Variant("second document", scenario(SCENARIO + "---\na: !!python/object/apply:os.system [touch marker]\n")),
        Variant("directive", scenario("%TAG ! tag:yaml.org,2002:python/\n---\n" + changed("name: small", "name: !object/apply:os.system [touch marker]"))),
    ), no_marker),
    Row("config", "a scalar that another reader would change", REJECT, "seed or subtype or country", tuple(Variant(new[:20], scenario(changed(old, new))) for old, new in SCALARS)),
    Row("config", "unknown keys", REJECT, "n_sim, igf1_cutof", (Variant("both", scenario(SCENARIO + "n_sim: 10\nigf1_cutof: 3\n")), Variant("nested", scenario(changed("{replicates: 200,", "{replicates: 200, n_sim: 3, igf1_cutof: 2,"))),
        *(Variant(old, scenario(changed(old, new)), words=new.split(":")[0].strip(" {") + ", did you mean") for old, new in (("endpoint:", "endpiont:"), ("seed: 3", "sed: 3"), ("median: 6", "medain: 6"), ("designs:", "desings:"), ("{positive:", "{postive:"))))),
    Row("config", "a path that leads out", REJECT, "output or cohort", tuple(Variant(path, escaping(path)) for path in ESCAPES), no_secret),
    Row("config", "an output in the config", REJECT, "output or cohort", tuple(Variant(path, scenario(SCENARIO + f"output: {path}\n")) for path in ("../out", "/tmp/out", "out"))),
    Row("config", "no configuration", REJECT, "", (
        *(Variant(ascii(data[:20]), scenario(data)) for data in (b"", b"\n", b"# only a comment\n", b"[]", b"- a\n", b"text", b"\x00", b"\xff\xfe", b"a: b: c", b"a: [", b"{" * 1000, b"[" * 100_000, b"a: &x *x", b"? [a]\n: b\n", b"a: 1\na: 2\n", b"\t", b"%YAML 9.9\n---\na: 1\n", b'"\\U99999999": 1\n', b"a: '", b"<<: *x\n", b"---\n---\n")),
        Variant("laughs", scenario(LAUGHS + SCENARIO)), Variant("2 MB", scenario(SCENARIO + "#" * 2_000_000), words="too large"), Variant("UTF-16", scenario(SCENARIO.encode("utf-16"))), Variant("a million keys", scenario("".join(f"k{i}: 1\n" for i in range(60_000)))),
        Variant("folder", lambda folder: [(folder / "s.yaml").mkdir(), ["simulate", "s.yaml"]][1]), Variant("missing", lambda folder: ["simulate", "s.yaml"]), Variant("pipe", lambda folder: [os.mkfifo(folder / "s.yaml"), ["simulate", "s.yaml"]][1]),
        Variant("zero", lambda folder: ["simulate", "/dev/zero"]), Variant("passwd", lambda folder: ["simulate", "/etc/passwd"]), Variant("long", lambda folder: ["simulate", "x" * 300 + ".yaml"]), Variant("NUL", scenario(changed("small", "sm\x00all"))),
    ), no_secret),
    Row("config", "numbers that can't be", REJECT, "", tuple(Variant(new[:40], scenario(changed(old, new))) for old, new in (
        ("value: 0.4", "value: 1.4"), ("value: 0.4", "value: -0.1"), ("value: 0.4", "value: .nan"), ("median: 6", "median: 0"), ("median: 6", "median: -1"), ("median: 6", "median: 1e999"), ("positive: 0.6", "positive: 0"), ("n: 200", "n: 0"), ("n: 200", "n: 1e9"), ("n: 200", f"n: {10**30}"),
        ("events: 130", "events: 0"), ("events: 130", "events: 201"), ("replicates: 200", "replicates: 0"), ("replicates: 200", "replicates: -5"), ("screened_per_month: 30", "screened_per_month: 0"), ("name: small", "name: {a: 1}"), ("endpoint: pfs", "endpoint: ../../x"), ("all_comers:", "../x:"), ("all_comers:", "'=1+1':"),
    ))),
)  # fmt: skip


OPTIONS = (
    Row("also", "options that can't be", REJECT, "", (
        *(Variant(" ".join(more), scenario(SCENARIO, *more)) for more in (("--n-jobs", "0"), ("--seed", str(2**70)), ("--seed", "-1"), ("--seed", "x"), ("--replicates", "0"), ("--replicates", "1.5"), ("--replicates", str(10**15)), ("--n-jobs", "1.5"), ("--nonsense",))),
        *(Variant(f"alpha {alpha}", scenario(SCENARIO + f"test: {{statistic: logrank, alpha: {alpha}, sided: 1}}\n"), words="alpha") for alpha in ("1.5", "0", "-0.1", "1", ".nan", "'0.05'", "1e-400")),
        *(Variant(" ".join(more), lambda folder, more=more: [(folder / "c.csv").write_bytes(csv_of(table_of())), ["score", "c.csv", *more]][1]) for more in (
            ("--plan", "brest"), ("--plan", "/etc/passwd"), ("--plan", "../x.yaml"), ("--map", "none.yaml"), ("--header-row", "0"), ("--header-row", "999999999"), ("--limits", "file_mb=-1"), ("--limits", "x=1"), ("--limits", "file_mb=nan"), ("--chunk-rows", "0", "--plan", "breast"), ("--chunk-rows", "9", "--n-jobs", "0", "--plan", "breast"), ("--explain", "0"), ("--explain", "999", "--plan", "breast"))),
    ), no_secret),
)  # fmt: skip

ROWS = (*MODEL, *CONFIG, *OPTIONS)
