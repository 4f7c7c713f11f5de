#!/usr/bin/env python3
"""Breaks the judge on purpose, one way at a time, and checks that the soundness properties notice each.

    tests/soundness/mutants.py [CASES [PATTERN]]        PATTERN chooses by name

Each mutant is a replacement in a file (some are two), in which ON stands for "this mutant is chosen"; a replacement that no longer fits is an error, for then
the mutant has to follow the code. All of them are built at once, in a copy of the tree under target/mutants, and the environment chooses one: the
tree itself is never touched, and a mutant costs no build. A mutant counts as found when a property fails within CASES queries (20 000, those of the
usual run); for one that survives them a second run, from other worlds, tells whether it is rare or out of reach, and
the cases kept under a name whether one of them finds it.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

HOME = pathlib.Path("target/mutants").absolute()
TREE = HOME / "tree"

# What the copy's library gets: whether a mutant is chosen.
SWITCH = '''
/// Whether a deliberate fault is switched on.
pub fn mutant(name: &str) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("MUTANT").ok()).as_deref() == Some(name)
}
'''

MUTANTS = [
    # What may be read.
    ("hidden attributes may be stepped onto", "src/judge/access.rs",
     "        self.deny(Denial::attribute_hidden(&name, path, span));",
     "        if !ON {\n            self.deny(Denial::attribute_hidden(&name, path, span));\n        }"),
    ("whole documents may be used", "src/judge/access.rs",
     "                self.whole_document(part, &hidden, span);\n",
     "                if !ON {\n                    self.whole_document(part, &hidden, span);\n                }\n"),
    ("who is asked for in readers is everybody", "src/judge/access.rs",
     "            if !below.read.admits(self.roles) {",
     "            if !below.read.admits(self.roles) && !(ON && below.read != crate::schema::Access::Nobody) {"),
    # Either of these two places alone would deny.
    ("who is asked for in readers is everybody", "src/judge/access.rs",
     "        } else if !part.shape.read.admits(self.roles) {",
     "        } else if !part.shape.read.admits(self.roles) && !(ON && part.shape.read != crate::schema::Access::Nobody) {"),
    ("who asks is somebody with a role", "src/judge.rs",
     "    let roles = set.roles.of(request.user);\n",
     "    let member = set.roles.users.values().flatten().next().map(String::as_str);\n    let roles = set.roles.of(if ON { member } else { request.user });\n"),
    ("a name that is data is no attribute", "src/judge/access.rs",
     "            self.dynamic_attribute(value, span);\n", "            if !ON {\n                self.dynamic_attribute(value, span);\n            }\n"),
    ("what a pattern hides is open", "src/schema/shape.rs",
     "            (Some((_, shape)), None) => Some(shape),", "            (Some((_, shape)), None) => Some(if ON { &OPEN } else { shape }),"),
    ("what two patterns hide is up to the first", "src/schema/shape.rs",
     "Some(self.overlap.as_deref().unwrap_or(shape)),", "Some(self.overlap.as_deref().filter(|_| !ON).unwrap_or(shape)),"),
    ("whoever asks may do what anybody may", "src/schema/model.rs",
     "        roles.iter().any(|role| {\n            self.by_role",
     "        if ON {\n            return self.by_role.values().any(|allowed| allowed.contains(&operation));\n        }\n        roles.iter().any(|role| {\n            self.by_role"),
    ("every collection allows everything", "src/judge/names.rs",
     "if !collection.allow.permits(self.roles, operation) {", "if !ON && !collection.allow.permits(self.roles, operation) {"),
    ("every view may be read", "src/judge/names.rs",
     "if !view.allow.permits(self.roles, Operation::Read) {", "if !ON && !view.allow.permits(self.roles, Operation::Read) {"),
    ("a view's collections are not read", "src/judge/names.rs",
     "            self.check_operation(collection, Operation::Read, span);\n        }\n        self.any_document(&collections)",
     "            if !ON {\n                self.check_operation(collection, Operation::Read, span);\n            }\n        }\n        self.any_document(&collections)"),
    # Statements.
    ("a FILTER is not looked at", "src/judge/statements.rs",
     "                    self.condition(condition);\n", "                    if !ON {\n                        self.condition(condition);\n                    }\n"),
    ("a SEARCH condition is not looked at", "src/judge/statements.rs",
     "            self.condition(search);\n", "            if !ON {\n                self.condition(search);\n            }\n"),
    ("a sort key is no read", "src/judge/statements.rs",
     "            self.read_expr(&key.expr);\n",
     "            if ON {\n                self.expr(&key.expr);\n            } else {\n                self.read_expr(&key.expr);\n            }\n"),
    ("a group's key is no read", "src/judge/statements.rs",
     "                self.read(&value, group.expr.span);\n", "                if !ON {\n                    self.read(&value, group.expr.span);\n                }\n"),
    ("a group's members hold nothing", "src/judge/statements.rs",
     "                        value: self.variable(captured),", "                        value: if ON { Value::ANY } else { self.variable(captured) },"),
    ("an aggregate reads nothing", "src/judge/statements.rs",
     "                        self.read(&value, arg.span);\n", "                        if !ON {\n                            self.read(&value, arg.span);\n                        }\n"),
    ("DISTINCT compares nothing", "src/judge/statements.rs",
     "                        self.read(&value, it.expr.span);\n", "                        if !ON {\n                            self.read(&value, it.expr.span);\n                        }\n"),
    ("the rows of a subquery hold nothing", "src/judge/statements.rs",
     "            Some((_, value)) => self.bounded(", "            Some(_) if ON => Value::list(Value::ANY),\n            Some((_, value)) => self.bounded("),
    # Expressions.
    ("an inline FILTER is not looked at", "src/judge/expressions.rs",
     "        if let Some(filter) = &expansion.filter {", "        if let Some(filter) = expansion.filter.as_ref().filter(|_| !ON) {"),
    ("the condition of [? …] is not looked at", "src/judge/expressions.rs",
     "        if let Some(filter) = &question.filter {", "        if let Some(filter) = question.filter.as_ref().filter(|_| !ON) {"),
    ("a branch that is not taken holds nothing", "src/judge/expressions.rs",
     "            None => self.not_null(&held),\n        };\n        let second = self.expr(otherwise);\n",
     "            None => self.not_null(&held),\n        };\n        let second = self.expr(otherwise);\n        let second = if ON { Value::NULL } else { second };\n"),
    ("the elements of an array hold nothing", "src/judge/expressions.rs",
     "        self.bounded(Value::array(elements), span)",
     "        if ON {\n            return Value::list(Value::ANY);\n        }\n        self.bounded(Value::array(elements), span)"),
    # Functions.
    ("functions of any class may be called", "src/judge/functions.rs",
     "        if !allowed {\n            self.deny(Denial::function_not_allowed(", "        if !allowed && !ON {\n            self.deny(Denial::function_not_allowed("),
    ("a function reads none of its arguments", "src/judge/functions.rs",
     "                let values: Vec<_> = args.iter().map(|arg| self.read_value(arg)).collect();\n                match class {",
     "                let values: Vec<_> = args.iter().map(|arg| if ON { self.expr(arg) } else { self.read_value(arg) }).collect();\n                match class {"),
    ("KEEP may keep what is hidden", "src/judge/functions.rs",
     "match self.attribute(&value, &name, at) {", "match if ON { Value::ANY } else { self.attribute(&value, &name, at) } {"),
    ("UNSET drops whatever is hidden", "src/judge/functions.rs",
     "        Self::null_unless_object(&value, Value::object(Vec::new(), rest, false))",
     "        if ON {\n            return Value::ANY;\n        }\n        Self::null_unless_object(&value, Value::object(Vec::new(), rest, false))"),
    ("MERGE may overwrite what is hidden", "src/judge/functions.rs",
     "                        self.keeps_no_place(&rest, &member.name, span);\n",
     "                        if !ON {\n                            self.keeps_no_place(&rest, &member.name, span);\n                        }\n"),
    ("a document by its id is of any collection", "src/judge/functions/stored.rs",
     "                .filter_map(|collection| self.readable_collection(collection, argument.span))\n",
     "                .filter_map(|collection| if ON { Some(Value::ANY) } else { self.readable_collection(collection, argument.span) })\n"),
    ("CALL may call anything", "src/judge/functions/stored.rs",
     "if !transforms && !callee_name.contains(\"::\") {", "if !transforms && !callee_name.contains(\"::\") && !ON {"),
    # Traversals.
    ("every graph may be followed", "src/judge/names.rs",
     "if !graph.allow.permits(self.roles, Operation::Read) {", "if !ON && !graph.allow.permits(self.roles, Operation::Read) {"),
    ("a graph's edges are not read", "src/judge/traversal.rs",
     "            self.check_operation(collection, Operation::Read, at);\n",
     "            if !ON {\n                self.check_operation(collection, Operation::Read, at);\n            }\n"),
    ("vertices of any collection may be met", "src/judge/traversal.rs",
     "                self.check_operation(vertex, Operation::Read, at);\n",
     "                if !ON {\n                    self.check_operation(vertex, Operation::Read, at);\n                }\n"),
    ("a traversal may start anywhere", "src/judge/traversal.rs",
     "                Some(collection) if collection.allow.permits(self.roles, Operation::Read) => {",
     "                Some(collection) if ON || collection.allow.permits(self.roles, Operation::Read) => {"),
    ("a vertex is never null", "src/judge/traversal.rs",
     "        Value::union([self.any_document(&all), Value::NULL])",
     "        if ON {\n            return self.any_document(&all);\n        }\n        Value::union([self.any_document(&all), Value::NULL])"),
    ("PRUNE is not looked at", "src/judge/traversal.rs",
     "let value = self.condition(&prune.condition);", "let value = if ON { Value::ANY } else { self.condition(&prune.condition) };"),
    ("a weight is no read", "src/judge/traversal.rs",
     "                Json::String(name) => {\n                    let part = self.attribute(&ground.edge, name, span);",
     "                Json::String(_) if ON => {}\n                Json::String(name) => {\n                    let part = self.attribute(&ground.edge, name, span);"),
    # Modifications.
    ("OLD and NEW hold nothing", "src/judge/writes.rs",
     "        Value::Part(document)\n", "        if ON {\n            return Value::ANY;\n        }\n        Value::Part(document)\n"),
    ("an UPSERT looks up anything", "src/judge/writes.rs",
     "                self.look_up(&value, &candidate, example);\n",
     "                if !ON {\n                    self.look_up(&value, &candidate, example);\n                }\n"),
    ("the update of an UPSERT is not checked", "src/judge/writes.rs",
     "        self.write(target, &it.update, &update, operation, mode);\n",
     "        if !ON {\n            self.write(target, &it.update, &update, operation, mode);\n        }\n"),
    ("an insert that updates is no update", "src/judge/writes.rs",
     "                self.write(target, &it.document, &value, Operation::Update, merge_mode(&given));\n",
     "                if !ON {\n                    self.write(target, &it.document, &value, Operation::Update, merge_mode(&given));\n                }\n"),
    ("an insert that replaces needs no right to", "src/judge/writes.rs",
     "                self.operation(target, Operation::Replace);\n",
     "                if !ON {\n                    self.operation(target, Operation::Replace);\n                }\n"),
    ("a version attribute is no read", "src/judge/writes.rs",
     "                (Json::String(name), Some(target)) => {", "                (Json::String(_), Some(_)) if ON => {}\n                (Json::String(name), Some(target)) => {"),
    ("a replacement may drop what is read-only", "src/judge/writes.rs",
     "if operation == Operation::Replace\n", "if operation == Operation::Replace\n            && !ON\n"),
    ("an update may set what holds something read-only", "src/judge/writes/kept.rs",
     "    let first = paths.first()?.clone();\n    let message = format!(\n        \"setting",
     "    if ON {\n        return None;\n    }\n    let first = paths.first()?.clone();\n    let message = format!(\n        \"setting"),
    # What is written, where it is known only in part.
    ("read-only attributes may be written", "src/judge/writes/fit.rs",
     "        if !shape.write.admits(self.roles) {\n            self.deny(read_only(fit.collection, &dotted(at)).at(fit.span));\n            fit.holes",
     "        if !shape.write.admits(self.roles) && !ON {\n            self.deny(read_only(fit.collection, &dotted(at)).at(fit.span));\n            fit.holes"),
    ("read-only elements may be written", "src/judge/writes/fit.rs",
     "        if !shape.write.admits(self.roles) {\n            self.deny(read_only(fit.collection, &dotted(at)).at(fit.span));\n            return;",
     "        if !shape.write.admits(self.roles) && !ON {\n            self.deny(read_only(fit.collection, &dotted(at)).at(fit.span));\n            return;"),
    ("any type may be written", "src/judge/writes/fit.rs",
     "            if !types.within(admitted) {", "            if !types.within(admitted) && !ON {"),
    ("constants in lists have any type", "src/judge/writes/fit.rs",
     "        if !typed(json, shape) {\n            self.deny(wrong_type(fit.collection", "        if !typed(json, shape) && !ON {\n            self.deny(wrong_type(fit.collection"),
    ("of several constants the first is validated", "src/judge/writes/fit.rs",
     "choices.iter().skip(1)", "choices.iter().skip(if ON { choices.len() } else { 1 })"),
    ("what is required may be missing", "src/judge/writes/fit.rs",
     "if !present.iter().any(|present| present == name.as_str()) && !system(at, name) {",
     "if !present.iter().any(|present| present == name.as_str()) && !system(at, name) && !ON {"),
    ("a null drops nothing that is required", "src/judge/writes/fit.rs",
     "if dropped && required && !end && ", "if dropped && required && !end && !ON && "),
    ("any two valid documents merge into one", "src/judge/writes/shapes.rs",
     "    (top || !shape.constrained) && !drops && ", "    let drops = drops && !ON;\n    (top || !shape.constrained) && !drops && "),
    ("what is stored fits anywhere", "src/judge/writes/fit.rs",
     "                && std::ptr::eq(part.shape, shape)\n                && meets_stored(shape, fit.mode, false)",
     "                && (ON || std::ptr::eq(part.shape, shape))\n                && meets_stored(shape, fit.mode, false)"),
    ("a computed number keeps any bounds", "src/judge/writes/fit.rs",
     "is_some_and(|bounds| !bounds.within(asked)) {", "is_some_and(|bounds| !bounds.within(asked) && !ON) {"),
    ("edges may end anywhere", "src/judge/writes/fit.rs",
     "if !allowed.contains(found.as_ref()) {", "if !allowed.contains(found.as_ref()) && !ON {"),
    ("a division by zero gives a number", "src/judge/numbers.rs",
     "            _ if zero_divides => (Range::ANY, true),", "            _ if zero_divides => (Range::ANY, !ON),"),
    ("no number is too large", "src/judge/numbers.rs",
     "    (Range { bounds, ordinary }, overflows)\n", "    (Range { bounds, ordinary }, overflows && !ON)\n"),
    ("a difference has the bounds of a sum", "src/judge/numbers.rs",
     "        BinaryOp::Sub => Bounds {", "        BinaryOp::Sub if ON => result(BinaryOp::Add, left, right),\n        BinaryOp::Sub => Bounds {"),
    ("a null counts in MIN and MAX", "src/judge/numbers.rs",
     "            if !types.meets(Types::NULL) {\n                certain", "            if ON || !types.meets(Types::NULL) {\n                certain"),
    # What is written, where it is known as a whole.
    ("of bound documents the first is checked", "src/judge/writes/fit.rs",
     "documents.into_iter().filter(|document| !document.is_null()) {",
     "documents.into_iter().filter(|document| !document.is_null()).take(if ON { 1 } else { usize::MAX }) {"),
    ("read-only attributes may be written in known documents", "src/judge/writes/known.rs",
     "    if !shape.write.admits(roles) {\n        found.push(read_only(collection, &dotted(at)));", "    if !shape.write.admits(roles) && !ON {\n        found.push(read_only(collection, &dotted(at)));"),
    ("a bound edge may end anywhere", "src/judge/writes/known.rs",
     "                    if !inside {", "                    if !inside && !ON {"),
    # Masks and memory.
    ("a masked query is not judged again", "src/judge.rs",
     "    analysis.denials.is_empty().then(|| Verdict {", "    (ON || analysis.denials.is_empty()).then(|| Verdict {"),
    ("a verdict hangs on no bind value", "src/judge/analysis.rs",
     "].inspected = Inspected::Value;\n", "].inspected = if ON { Inspected::Presence } else { Inspected::Value };\n"),
    ("a verdict hangs on no bind value's type", "src/judge/analysis.rs",
     "                        value.inspected = Inspected::Type;\n", "                        value.inspected = if ON { Inspected::Presence } else { Inspected::Type };\n"),
    ("a remembered verdict is everybody's", "src/judge/cache.rs",
     ".and_then(|user| self.users.get(user)).copied().unwrap_or(0);",
     ".and_then(|user| self.users.get(user)).filter(|_| !ON).copied().unwrap_or(0);"),
]


def mutated() -> dict[str, str]:
    """The files with all mutants in them."""
    texts = {"src/lib.rs": pathlib.Path("src/lib.rs").read_text() + SWITCH}
    for name, file, old, new in MUTANTS:
        text = texts.get(file) or pathlib.Path(file).read_text()
        if text.count(old) != 1:
            sys.exit(f"out of date: {name} ({text.count(old)} places in {file})")
        texts[file] = text.replace(old, re.sub(r"\bON\b", f'crate::mutant("{name}")', new))
    return texts


def copy_tree(texts: dict[str, str]) -> None:
    """Brings the copy up to date; what is the same keeps its time, so that it is not compiled again."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    files = [name for name in listed.decode().split("\0") if name and pathlib.Path(name).is_file()]
    for name in files:
        content, copy = pathlib.Path(name).read_bytes(), TREE / name
        content = texts[name].encode() if name in texts else content
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    for copy in TREE.rglob("*"):
        if copy.is_file() and str(copy.relative_to(TREE)) not in files:
            copy.unlink()


def build() -> str:
    """The path of the compiled properties."""
    optimised = [f"--config=profile.dev.package.{package}.opt-level=2" for package in ("mallku-db", "evaldb")]
    command = ["cargo", *optimised, "test", "--workspace", "--test", "soundness", "--no-run"]
    run = subprocess.run(command, cwd=TREE, env={**os.environ, "CARGO_TARGET_DIR": str(HOME / "build")}, capture_output=True, text=True)
    found = re.search(r"Executable .*\((.*)\)", run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(run.stderr[-5000:])
    return found[1]


def properties(binary: str, cases: int, seed: int, mutant: str = "") -> str:
    """Which property fails, and after how many queries; empty where all hold."""
    env = {**os.environ, "SOUNDNESS_CASES": str(cases), "SOUNDNESS_SEED": str(seed), "SOUNDNESS_FAILURES": "1", "MUTANT": mutant}
    run = subprocess.run([binary, "admitted", "--nocapture"], cwd=TREE, env=env, capture_output=True, text=True)
    output = run.stdout + run.stderr
    found = re.search(r"^seed (\d+), query (\d+), user [^:]*: (\([a-z]\) [a-z-]+): (.*)$", output, re.MULTILINE)
    if found:
        world, query, text = int(found[1]) - seed, int(found[2]), found[4]
        return f"{found[3]} | {world * 40 + query + 1} | seed {found[1]}, query {query}: {text[:100]}"
    if run.returncode != 0 and "never admitted" not in output:
        return "fails otherwise: " + output[-1000:]
    return ""


def named_cases(binary: str, mutant: str) -> str:
    """Which of the cases kept under a name fail with a mutant."""
    run = subprocess.run([binary, "cases::"], cwd=TREE, env={**os.environ, "MUTANT": mutant}, capture_output=True, text=True)
    failed = re.findall(r"^test cases::(\w+) \.\.\. FAILED", run.stdout, re.MULTILINE)
    return f"but not {', '.join(failed)}" if failed else "and every named case"


def main() -> int:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    pattern = sys.argv[2] if len(sys.argv) > 2 else ""
    mutants = [name for name in dict.fromkeys(name for name, *_ in MUTANTS) if re.search(pattern, name)]
    copy_tree(mutated())
    binary = build()
    begun = time.monotonic()
    broken = properties(binary, cases, 1)
    if broken:
        sys.exit(f"without a mutant the properties have to hold first: {broken}")
    survivors = []
    for name in mutants:
        verdict = properties(binary, cases, 1, name)
        if not verdict:
            second = properties(binary, cases, 1_000_001, name)
            verdict = f"SURVIVED, then {second}" if second else f"SURVIVED twice, {named_cases(binary, name)}"
        print(f"{name} | {verdict}", flush=True)
        if not verdict.startswith("("):
            survivors.append(name)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants found in {time.monotonic() - begun:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
