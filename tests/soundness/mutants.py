#!/usr/bin/env python3
"""Breaks the judge on purpose, one way at a time, and checks that the soundness properties notice each.

Run from the repository's root on a clean tree: tests/soundness/mutants.py [CASES [WORD]], WORD choosing by name. Each mutant is one replacement in one
file; a replacement that no longer fits is an error, for then the mutant has to follow the code.
"""

import os
import pathlib
import subprocess
import sys

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
     "        if !shape.write.admits(self.roles) {", "        if !shape.write.admits(self.roles) && at.len() > 99 {"),
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
]


def main() -> int:
    cases = sys.argv[1] if len(sys.argv) > 1 else "20000"
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    mutants = [mutant for mutant in MUTANTS if word in mutant[0]]
    survivors = []
    for name, file, old, new in mutants:
        path = pathlib.Path(file)
        source = path.read_text()
        if source.count(old) != 1:
            print(f"out of date: {name} ({source.count(old)} places in {file})", flush=True)
            survivors.append(name)
            continue
        path.write_text(source.replace(old, new))
        try:
            command = ["cargo", "test", "--workspace", "--test", "soundness", "--", "admitted"]
            run = subprocess.run(command, env={**os.environ, "SOUNDNESS_CASES": cases}, capture_output=True, text=True)
        finally:
            path.write_text(source)
        if "could not compile" in run.stderr:
            verdict = "does not compile"
        elif run.returncode == 0:
            verdict = "SURVIVED"
        else:
            verdict = "found"
        reasons = [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("seed ")]
        print(f"{verdict}: {name}{': ' + reasons[0][:150] if reasons else ''}", flush=True)
        if verdict != "found":
            survivors.append(name)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants found")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
