#!/usr/bin/env python3
"""Breaks the judge on purpose, one way at a time, and checks that the soundness properties notice each.

    tests/soundness/mutants.py [CASES [WORD]]        WORD chooses by name

Each mutant is one replacement in one file; a replacement that no longer fits is an error, for then the mutant has to follow the code. They are
made in a copy of the tree under target/mutants, so that a run that ends half-way leaves nothing broken behind. A mutant counts as found when a
property fails within CASES queries (20 000, those of the usual run); for one that survives them a second run, from another world, tells whether
it is rare or out of reach.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

HOME = pathlib.Path("target/mutants").absolute()
TREE = HOME / "tree"

MUTANTS = [
    ("hidden attributes may be stepped onto", "src/judge/access.rs",
     "self.deny(Denial::attribute_hidden(&name, path, span));", "let _ = (name, path, span);"),
    ("whole documents may be used", "src/judge/access.rs",
     "                self.whole_document(part, &hidden, span);\n", ""),
    ("a sort key is no read", "src/judge/statements.rs",
     "            self.read_expr(&key.expr);\n", "            let _ = self.expr(&key.expr);\n"),
    ("a group's key is no read", "src/judge/statements.rs",
     "                self.read(&value, group.expr.span);\n", ""),
    ("a function reads none of its arguments", "src/judge/functions.rs",
     "args.iter().map(|arg| self.read_value(arg)).collect();\n                match class {",
     "args.iter().map(|arg| self.expr(arg)).collect();\n                match class {"),
    ("every collection allows everything", "src/judge/names.rs",
     "if !collection.allow.permits(self.roles, operation) {",
     "if !collection.allow.permits(self.roles, operation) && collection.name.is_empty() {"),
    ("every view may be read", "src/judge/names.rs",
     "if !view.allow.permits(self.roles, Operation::Read) {",
     "if !view.allow.permits(self.roles, Operation::Read) && view.name.is_empty() {"),
    ("MERGE may overwrite what is hidden", "src/judge/functions.rs",
     "                        self.keeps_no_place(&rest, &member.name, span);\n", ""),
    ("UNSET drops whatever is hidden", "src/judge/functions.rs",
     "        Self::null_unless_object(&value, Value::object(Vec::new(), rest, false))",
     "        drop(rest);\n        Value::ANY"),
    ("OLD and NEW hold nothing", "src/judge/writes.rs",
     "        Value::Part(document)\n", "        let _ = document;\n        Value::ANY\n"),
    ("read-only attributes may be written", "src/judge/writes/fit.rs",
     "            self.deny(read_only(fit.collection, &dotted(at)).at(fit.span));\n            fit.holes.push(at.clone());\n            return Some(Json::Null);\n",
     "            fit.holes.push(at.clone());\n"),
    ("read-only attributes may be written in known documents", "src/judge/writes/known.rs",
     "    if !shape.write.admits(roles) {\n        found.push(read_only(collection, &dotted(at)));\n        return;\n    }\n",
     ""),
    ("any type may be written", "src/judge/writes/fit.rs",
     "            if !types.within(admitted) {", "            if !types.within(admitted) && at.len() > 99 {"),
    ("a vertex is never null", "src/judge/traversal.rs",
     "Value::union([self.any_document(&all), Value::NULL])", "self.any_document(&all)"),
    ("constants in lists have any type", "src/judge/writes/fit.rs",
     "        if !typed(json, shape) {\n            self.deny(wrong_type(fit.collection", "        if !typed(json, shape) && at.len() > 99 {\n            self.deny(wrong_type(fit.collection"),
    ("vertices of any collection may be met", "src/judge/traversal.rs",
     "                self.check_operation(vertex, Operation::Read, at);\n", "                let _ = vertex;\n"),
    ("a view's collections are not read", "src/judge/names.rs",
     "            self.check_operation(collection, Operation::Read, span);\n        }\n        self.any_document(&collections)",
     "            let _ = collection;\n        }\n        self.any_document(&collections)"),
    ("a group's members hold nothing", "src/judge/statements.rs",
     "                        value: self.variable(captured),", "                        value: Value::ANY,"),
    ("the update of an UPSERT is not checked", "src/judge/writes.rs",
     "        self.write(target, &it.update, &update, operation, mode);\n", ""),
    ("an insert that updates is no update", "src/judge/writes.rs",
     "                self.write(target, &it.document, &value, Operation::Update, merge_mode(&given));\n", ""),
    ("an insert that replaces needs no right to", "src/judge/writes.rs",
     "                self.operation(target, Operation::Replace);\n", ""),
    ("a replacement may drop what is read-only", "src/judge/writes.rs",
     "if operation == Operation::Replace\n", "if operation == Operation::Remove\n"),
    ("an update may set what holds something read-only", "src/judge/writes/kept.rs",
     "    let first = paths.first()?.clone();\n    let message = format!(\n        \"setting", "    let first = paths.get(99)?.clone();\n    let message = format!(\n        \"setting"),
    ("edges may end anywhere", "src/judge/writes/fit.rs",
     "if !allowed.contains(found.as_ref()) {", "if !allowed.contains(found.as_ref()) && found.is_empty() {"),
    ("a bound edge may end anywhere", "src/judge/writes/known.rs",
     "                    if !inside {", "                    if !inside && id.is_empty() {"),
    ("who is asked for in readers is everybody", "src/judge/access.rs",
     "            if !below.read.admits(self.roles) {", "            if below.read == crate::schema::Access::Nobody {"),
    ("a document by its id is of any collection", "src/judge/functions/stored.rs",
     "                .filter_map(|collection| self.readable_collection(collection, argument.span))\n", "                .map(|_| Value::ANY)\n"),
    ("functions of any class may be called", "src/judge/functions.rs",
     "        if !allowed {\n            self.deny(Denial::function_not_allowed(\n                name,\n                &format!",
     "        if !allowed && name.is_empty() {\n            self.deny(Denial::function_not_allowed(\n                name,\n                &format!"),
    ("a FILTER is not looked at", "src/judge/statements.rs",
     "                    self.condition(condition);\n", "                    let _ = condition;\n"),
    ("PRUNE is not looked at", "src/judge/traversal.rs",
     "let value = self.condition(&prune.condition);", "let value = Value::ANY;"),
    ("a SEARCH condition is not looked at", "src/judge/statements.rs",
     "            self.condition(search);\n", "            let _ = search;\n"),
    ("the collections of a SEARCH are not looked at", "src/judge/statements.rs",
     "                self.check_search_collections(&given, &it.source);\n", "                let _ = given;\n"),
    ("an inline FILTER is not looked at", "src/judge/expressions.rs",
     "        if let Some(filter) = &expansion.filter {\n            self.condition(filter);",
     "        if let Some(filter) = &expansion.filter {\n            let _ = filter;"),
    ("the condition of [? …] is not looked at", "src/judge/expressions.rs",
     "        if let Some(filter) = &question.filter {\n            self.condition(filter);",
     "        if let Some(filter) = &question.filter {\n            let _ = filter;"),
    ("an aggregate reads nothing", "src/judge/statements.rs",
     "                        self.read(&value, arg.span);\n", ""),
    ("DISTINCT compares nothing", "src/judge/statements.rs",
     "                        self.read(&value, it.expr.span);\n", ""),
    ("an UPSERT looks up anything", "src/judge/writes.rs",
     "                self.look_up(&value, &candidate, example);\n", ""),
    ("a version attribute is no read", "src/judge/writes.rs",
     "                    let version = self.attribute(&document, name, span);\n                    self.read(&version, span);\n",
     "                    let _ = (document, name, span);\n"),
    ("a name that is data is no attribute", "src/judge/access.rs",
     "            self.dynamic_attribute(value, span);\n", ""),
    ("KEEP may keep what is hidden", "src/judge/functions.rs",
     "            let part = self.attribute(&value, &name, at);\n            members.push",
     "            let part = if at.start > 0 { Value::ANY } else { Value::NULL };\n            members.push"),
    ("a graph's edges are not read", "src/judge/traversal.rs",
     "            self.check_operation(collection, Operation::Read, at);\n", ""),
    ("every graph may be followed", "src/judge/names.rs",
     "if !graph.allow.permits(self.roles, Operation::Read) {",
     "if !graph.allow.permits(self.roles, Operation::Read) && graph.name.is_empty() {"),
    ("a traversal may start anywhere", "src/judge/traversal.rs",
     "                Some(collection) if collection.allow.permits(self.roles, Operation::Read) => {",
     "                Some(collection) if !collection.name.is_empty() => {"),
    ("a weight is no read", "src/judge/traversal.rs",
     "                    let part = self.attribute(&ground.edge, name, span);\n                    self.read(&part, span);\n",
     "                    let _ = (ground, name, span);\n"),
    ("of bound documents the first is checked", "src/judge/writes/fit.rs",
     "documents.into_iter().filter(|document| !document.is_null()) {",
     "documents.into_iter().filter(|document| !document.is_null()).take(1) {"),
    ("of several constants the first is validated", "src/judge/writes/fit.rs",
     "choices.iter().skip(1)", "choices.iter().skip(99)"),
    ("what is required may be missing", "src/judge/writes/fit.rs",
     "if !present.iter().any(|present| present == name.as_str()) && !system(at, name) {",
     "if !present.iter().any(|present| present == name.as_str()) && !system(at, name) && at.len() > 99 {"),
    ("a null drops nothing that is required", "src/judge/writes/fit.rs",
     "if dropped && required && !end && ", "if dropped && required && !end && at.len() > 99 && "),
    ("any two valid documents merge into one", "src/judge/writes/fit.rs",
     "    (top || !shape.constrained) && !drops && ", "    let _ = drops;\n    (top || !shape.constrained) && "),
    ("what is stored fits anywhere", "src/judge/writes/fit.rs",
     "                && std::ptr::eq(part.shape, shape)\n                && meets_stored(shape, fit.mode, false)",
     "                && meets_stored(shape, fit.mode, false)"),
    ("a computed number keeps any bounds", "src/judge/writes/fit.rs",
     "is_some_and(|bounds| !bounds.within(asked)) {", "is_some_and(|bounds| !bounds.within(asked) && at.len() > 99) {"),
    ("read-only elements may be written", "src/judge/writes/fit.rs",
     "        if !shape.write.admits(self.roles) {\n            self.deny(read_only(fit.collection, &dotted(at)).at(fit.span));\n            return;\n",
     "        if !shape.write.admits(self.roles) && at.len() > 99 {\n            return;\n"),
    ("a division by zero gives a number", "src/judge/numbers.rs",
     "            _ if zero_divides => (Bounds::ALL, true),", "            _ if zero_divides => (Bounds::ALL, false),"),
    ("no number is too large", "src/judge/numbers.rs",
     "    (result(op, left, right), overflows)\n", "    (result(op, left, right), overflows && left.low.is_nan())\n"),
    ("a difference has the bounds of a sum", "src/judge/numbers.rs",
     "            low: left.low - right.high,\n            high: left.high - right.low,",
     "            low: left.low + right.low,\n            high: left.high + right.high,"),
    ("a null counts in MIN and MAX", "src/judge/numbers.rs",
     "            if !types.meets(Types::NULL) {\n                certain", "            if !types.meets(Types::STRING) {\n                certain"),
    ("CALL may call anything", "src/judge/functions/stored.rs",
     "if !transforms && !callee_name.contains(\"::\") {", "if !transforms && callee_name.is_empty() {"),
    ("a branch that is not taken holds nothing", "src/judge/expressions.rs",
     "            None => self.not_null(&held),\n        };\n        let second = self.expr(otherwise);\n",
     "            None => self.not_null(&held),\n        };\n        self.expr(otherwise);\n        let second = Value::NULL;\n"),
    ("the elements of an array hold nothing", "src/judge/expressions.rs",
     "let elements = elements.iter().map(|element| self.expr(element)).collect();\n        self.bounded(Value::array(elements), span)",
     "elements.iter().for_each(|element| drop(self.expr(element)));\n        self.bounded(Value::list(Value::ANY), span)"),
    ("the rows of a subquery hold nothing", "src/judge/statements.rs",
     "            Some((_, value)) => self.bounded(Value::list(value), block.span),",
     "            Some(_) => self.bounded(Value::list(Value::ANY), block.span),"),
    ("a masked query is not judged again", "src/judge.rs",
     "    analysis.denials.is_empty().then(|| Verdict {", "    (analysis.denials.len() < 99).then(|| Verdict {"),
    ("a verdict hangs on no bind value", "src/judge/analysis.rs",
     "].inspected = Inspected::Value;\n", "].inspected = Inspected::Presence;\n"),
    ("a verdict hangs on no bind value's type", "src/judge/analysis.rs",
     "                        value.inspected = Inspected::Type;\n", "                        value.inspected = Inspected::Presence;\n"),
    ("a remembered verdict is everybody's", "src/judge/cache.rs",
     ".and_then(|user| self.users.get(user)).copied().unwrap_or(0);",
     ".and_then(|user| self.users.get(user)).copied().unwrap_or(0).min(0);"),
    ("what a pattern hides is open", "src/schema/shape.rs",
     "            (Some((_, shape)), None) => Some(shape),", "            (Some(_), None) => Some(&OPEN),"),
    ("what two patterns hide is up to the first", "src/schema/shape.rs",
     "Some(self.overlap.as_deref().unwrap_or(shape)),", "Some(shape),"),
    ("whoever asks may do what anybody may", "src/schema/model.rs",
     "        roles.iter().any(|role| {\n            self.by_role\n                .get(role)\n                .is_some_and(|allowed| allowed.contains(&operation))\n        })",
     "        roles.iter().count() > 0 && self.by_role.values().any(|allowed| allowed.contains(&operation))"),
]


def copy_tree() -> None:
    """Brings the copy up to date; what is the same keeps its time, so that it is not compiled again."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True).stdout
    files = [name for name in listed.decode().split("\0") if name and pathlib.Path(name).is_file()]
    for name in files:
        content, copy = pathlib.Path(name).read_bytes(), TREE / name
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    for copy in TREE.rglob("*"):
        if copy.is_file() and str(copy.relative_to(TREE)) not in files:
            copy.unlink()


def build() -> str | None:
    """The path of the compiled properties; None where the tree does not compile."""
    command = ["cargo", "test", "--workspace", "--test", "soundness", "--no-run"]
    run = subprocess.run(command, cwd=TREE, env={**os.environ, "CARGO_TARGET_DIR": str(HOME / "build")}, capture_output=True, text=True)
    found = re.search(r"Executable .*\((.*)\)", run.stderr)
    if run.returncode != 0 or not found:
        print(run.stderr[-2000:], file=sys.stderr)
        return None
    return found[1]


def properties(binary: str, cases: int, seed: int) -> str:
    """Which property fails, and after how many queries; empty where all hold."""
    env = {**os.environ, "SOUNDNESS_CASES": str(cases), "SOUNDNESS_SEED": str(seed), "SOUNDNESS_FAILURES": "1"}
    run = subprocess.run([binary, "admitted", "--nocapture"], cwd=TREE, env=env, capture_output=True, text=True)
    output = run.stdout + run.stderr
    found = re.search(r"^seed (\d+), query (\d+), user [^:]*: (\([a-z]\) [a-z-]+): (.*)$", output, re.MULTILINE)
    if found:
        world, query, text = int(found[1]) - seed, int(found[2]), found[4]
        return f"{found[3]}, {world * 40 + query + 1} queries | seed {found[1]}, query {query}: {text[:120]}"
    if run.returncode != 0 and "never admitted" not in output:
        return "fails otherwise: " + output[-1000:]
    return ""


def main() -> int:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    mutants = [mutant for mutant in MUTANTS if word in mutant[0]]
    copy_tree()
    binary = build()
    if not binary or properties(binary, cases, 1):
        print("without any mutant the properties have to hold first")
        return 1
    survivors = []
    begun = time.monotonic()
    for name, file, old, new in mutants:
        path = TREE / file
        source = path.read_text()
        if source.count(old) != 1:
            verdict = f"out of date ({source.count(old)} places in {file})"
        else:
            path.write_text(source.replace(old, new))
            binary = build()
            verdict = properties(binary, cases, 1) if binary else "does not compile"
            if not verdict:
                second = properties(binary, cases, 1_000_001)
                verdict = f"SURVIVED, then {second}" if second else "SURVIVED twice"
            path.write_text(source)
        print(f"{name}: {verdict}", flush=True)
        if not verdict.startswith("("):
            survivors.append(name)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants found in {time.monotonic() - begun:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
