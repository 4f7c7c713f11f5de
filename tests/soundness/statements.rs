//! The statements of a generated query.

use mallku_db::schema::{Collection, Operation, Shape};
use serde_json::json;

use crate::documents::Wanted;
use crate::queries::{Generator, Made};
use crate::scope::{Kind, Variable};

impl<'w> Generator<'w, '_> {
    /// A whole query or subquery; its kind is that of a row.
    pub(crate) fn block(&mut self, depth: usize) -> Made<'w> {
        let outer = self.scope.len();
        let mut text = String::new();
        if self.chance.percent(25) {
            self.assign(&mut text, depth);
        }
        let before_loops = self.scope.len();
        let mut loops = if self.chance.percent(8) {
            0
        } else {
            1 + usize::from(self.chance.percent(25))
        };
        while loops > 0 {
            loops -= 1;
            self.each(&mut text, depth);
        }
        for _ in 0..self.chance.below(4) {
            match self.chance.below(10) {
                0..=3 => {
                    self.note("FILTER");
                    let condition = self.condition(depth);
                    text.push_str(&format!(" FILTER {condition}"));
                }
                4 | 5 => self.sort(&mut text, depth),
                6 => {
                    self.note("LIMIT");
                    text.push_str(self.chance.pick(&[" LIMIT 2", " LIMIT 1, 2", " LIMIT 0"]));
                }
                7 => self.assign(&mut text, depth),
                8 => self.collect(&mut text, depth, before_loops),
                _ => self.window(&mut text),
            }
        }
        let mut modified = false;
        if self.chance.percent(if outer == 0 { 40 } else { 6 }) {
            modified = self.modify(&mut text, depth);
        }
        let ends = modified && self.chance.percent(40);
        let kind = if ends {
            Kind::Plain
        } else {
            self.note("RETURN");
            let distinct = before_loops < self.scope.len() && self.chance.percent(10);
            let whole = match (self.world.masks(), distinct) {
                (true, _) => 30,
                (false, true) => 20,
                (false, false) => 2,
            };
            let value = match self.document() {
                Some(variable) if self.chance.percent(whole) => self.whole(variable),
                _ => self.expr(depth),
            };
            text.push_str(&format!(
                " RETURN {}{}",
                if distinct { "DISTINCT " } else { "" },
                value.text
            ));
            value.kind
        };
        self.scope.truncate(outer);
        Made {
            text: text.trim_start().to_owned(),
            kind,
        }
    }

    /// A whole document, as it is or as part of something.
    fn whole(&mut self, variable: Variable<'w>) -> Made<'w> {
        self.note("whole document");
        let Variable { name, kind } = variable;
        let (text, kind) = match self.chance.below(5) {
            0 => (
                format!("{{d: {name}, n: {}}}", self.scalar(0)),
                Kind::made(vec![("d", kind)]),
            ),
            1 => (format!("[{name}, {}]", self.scalar(0)), Kind::list(kind)),
            2 => (format!("MERGE({name}, {{n: {}}})", self.scalar(0)), kind),
            _ => (name, kind),
        };
        Made { text, kind }
    }

    fn assign(&mut self, text: &mut String, depth: usize) {
        self.note("LET");
        let value = self.expr(depth);
        if self.chance.percent(15)
            && let Some((attribute, kind)) = self.attribute(&value.kind)
        {
            self.note("pattern");
            let name = self.declare(kind);
            text.push_str(&format!(" LET {{{attribute}: {name}}} = {}", value.text));
            return;
        }
        if self.chance.percent(8)
            && let Some((outer, kind)) = self.attribute(&value.kind)
            && let Some((inner, kind)) = self.attribute(&kind)
        {
            self.note("pattern");
            let name = self.declare(kind);
            text.push_str(&format!(" LET {{{outer}: {{{inner}: {name}}}}} = {}", value.text));
            return;
        }
        if self.chance.percent(5) {
            self.note("pattern");
            let kind = value.kind.element().unwrap_or(Kind::Plain);
            let name = self.declare(kind);
            text.push_str(&format!(" LET [{name}] = {}", value.text));
            return;
        }
        let name = self.declare(value.kind);
        text.push_str(&format!(" LET {name} = {}", value.text));
    }

    fn each(&mut self, text: &mut String, depth: usize) {
        match self.chance.below(20) {
            0..=9 => {
                self.note("FOR");
                let collection = self.readable_collection();
                let source = self.source(&collection.name);
                if self.chance.percent(8)
                    && let Some((attribute, kind)) = self.attribute(&Kind::Part(&collection.shape))
                {
                    self.note("pattern");
                    let name = self.declare(kind);
                    text.push_str(&format!(" FOR {{{attribute}: {name}}} IN {source}"));
                    return;
                }
                let name = self.declare(Kind::Part(&collection.shape));
                text.push_str(&format!(" FOR {name} IN {source}"));
            }
            10 | 11 => {
                self.note("FOR");
                let list = self.list(depth);
                let name = self.declare(list.kind.element().unwrap_or(Kind::Plain));
                text.push_str(&format!(" FOR {name} IN {}", list.text));
            }
            12 | 13 => self.search(text),
            14..=16 => self.traverse(text),
            17 | 18 => self.paths(text),
            _ => {
                self.note("FOR");
                let name = self.declare(Kind::Plain);
                text.push_str(&format!(" FOR {name} IN 1..3"));
            }
        }
    }

    fn readable_collection(&mut self) -> &'w Collection {
        loop {
            let collection = self.collection(Operation::Read, None);
            if !self.written.contains(&collection.name) || self.chance.percent(5) {
                return collection;
            }
            if self.written.len() > 2 {
                return collection;
            }
        }
    }

    fn search(&mut self, text: &mut String) {
        self.note("SEARCH");
        let view = self.chance.pick(&["look", "look", "seen"]);
        let spanned = if view == "look" { "people" } else { "notes" };
        let people = &self.world.resources().collections[spanned].shape;
        let name = self.declare(Kind::Part(people));
        text.push_str(&format!(" FOR {name} IN {view}"));
        if !self.chance.percent(85) {
            return;
        }
        let attribute = self
            .attribute(&Kind::Part(people))
            .map_or_else(|| "_key".to_owned(), |(name, _)| name);
        let condition = match self.chance.below(12) {
            5 => format!("NOT ({name}.{attribute} IN [\"x\", 1])"),
            6 => format!("BOOST({name}.{attribute} == \"x\", 2) AND {name}._key != null"),
            7 => format!("MIN_MATCH({name}.{attribute} == \"x\", {name}.{attribute} == 1, 1)"),
            8 => format!("LEVENSHTEIN_MATCH({name}.{attribute}, \"x\", 1)"),
            9 => format!("LIKE({name}.{attribute}, \"%x%\")"),
            10 => format!("{name}.{attribute} ANY == \"x\""),
            0 => format!("STARTS_WITH({name}.{attribute}, \"x\")"),
            1 => format!("ANALYZER({name}.{attribute} == \"x\", \"identity\")"),
            2 => format!("EXISTS({name}.{attribute})"),
            3 => format!("IN_RANGE({name}.{attribute}, 0, 3, true, false)"),
            4 => format!("PHRASE({name}.{attribute}, \"x\")"),
            _ => format!("{name}.{attribute} == \"x\" OR {name}.{attribute} > 1"),
        };
        text.push_str(&format!(" SEARCH {condition}"));
        if self.chance.percent(15) {
            let named = self.chance.pick(&[spanned, spanned, spanned, "vault"]);
            text.push_str(&format!(" OPTIONS {{collections: [\"{named}\"]}}"));
        }
        if self.chance.percent(15) {
            text.push_str(&format!(" SORT BM25({name}) DESC"));
        }
    }

    /// An edge collection with the shapes of its vertices, mostly one that may be followed.
    fn edge(&mut self) -> &'w Collection {
        let mut edge = self.collection(Operation::Read, Some(true));
        for _ in 0..4 {
            let ends = edge.edge.as_ref().unwrap();
            if ends.from.iter().chain(&ends.to).all(|end| self.world.readable(end)) {
                break;
            }
            edge = self.collection(Operation::Read, Some(true));
        }
        let ends = edge.edge.as_ref().unwrap();
        self.with(ends.from.iter().chain(&ends.to).cloned());
        edge
    }

    fn start(&mut self) -> String {
        let document = self.scope.iter().rev().find(|variable| {
            matches!(&variable.kind, Kind::Part(shape) if std::ptr::eq(*shape, &raw const self.world.resources().collections["people"].shape))
        });
        match (self.chance.below(6), document) {
            (0 | 1, Some(variable)) => variable.name.clone(),
            (2, Some(variable)) => format!("{}._id", variable.name),
            (3 | 4, _) => {
                let id = self
                    .chance
                    .pick(&["people/k1", "people/k2", "people/k3", "notes/k0", "vault/k0"]);
                self.bind(json!(id))
            }
            _ => "\"people/k0\"".to_owned(),
        }
    }

    /// The edges of a search and what its vertices may be.
    fn graph(&mut self) -> (String, &'w Shape, &'w Shape) {
        let resources = self.world.resources();
        let people = &resources.collections["people"].shape;
        if self.chance.percent(35) {
            let name = self.chance.pick(&["GRAPH net", "GRAPH \"net\"", "bind"]);
            let name = if name == "bind" {
                format!("GRAPH {}", self.bind(json!("net")))
            } else {
                name.to_owned()
            };
            return (name, people, &resources.collections["knows"].shape);
        }
        let edge = self.edge();
        if self.chance.percent(20) {
            let other = self.edge();
            let direction = self.chance.pick(&["", "INBOUND ", "ANY ", "OUTBOUND "]);
            let text = format!("{}, {direction}{}", edge.name, other.name);
            return (text, people, &edge.shape);
        }
        let target = edge.edge.as_ref().unwrap().to.iter().next().unwrap();
        let vertex = if self.chance.percent(50) {
            people
        } else {
            &resources.collections[target].shape
        };
        (self.source(&edge.name), vertex, &edge.shape)
    }

    fn traverse(&mut self, text: &mut String) {
        self.note("traversal");
        let start = self.start();
        let (graph, vertex, edge) = self.graph();
        let depth = self.chance.pick(&["", "1..2 ", "0..1 ", "2 ", "1..3 "]);
        let direction = self.chance.pick(&["OUTBOUND", "INBOUND", "ANY"]);
        let (v, e, p) = (self.name(), self.name(), self.name());
        let variables = match self.chance.below(3) {
            0 => v.clone(),
            1 => format!("{v}, {e}"),
            _ => format!("{v}, {e}, {p}"),
        };
        text.push_str(&format!(" FOR {variables} IN {depth}{direction} {start} {graph}"));
        self.scope.push(Variable {
            name: v,
            kind: Kind::Part(vertex),
        });
        if variables.contains(&e) {
            self.scope.push(Variable {
                name: e,
                kind: Kind::Part(edge),
            });
        }
        if variables.contains(&p) {
            let path = vec![
                ("vertices", Kind::list(Kind::Part(vertex))),
                ("edges", Kind::list(Kind::Part(edge))),
            ];
            self.scope.push(Variable {
                name: p,
                kind: Kind::made(path),
            });
        }
        if self.chance.percent(20) {
            self.note("PRUNE");
            let condition = self.condition(0);
            if self.chance.percent(40) {
                let name = self.declare(Kind::Plain);
                text.push_str(&format!(" PRUNE {name} = {condition}"));
            } else {
                text.push_str(&format!(" PRUNE {condition}"));
            }
        }
        if self.chance.percent(30) {
            let attribute = self.weight(edge);
            let options = match self.chance.below(5) {
                0 => "{order: \"bfs\", uniqueVertices: \"global\"}".to_owned(),
                1 => "{uniqueVertices: \"path\"}".to_owned(),
                2 => "{uniqueEdges: \"none\"}".to_owned(),
                _ => format!("{{order: \"weighted\", weightAttribute: \"{attribute}\", defaultWeight: 2}}"),
            };
            text.push_str(&format!(" OPTIONS {options}"));
        }
    }

    /// An attribute that weighs edges.
    fn weight(&mut self, edge: &'w Shape) -> String {
        let attributes = Kind::Part(edge).attributes();
        let place = self.chance.below(attributes.len());
        if self.chance.percent(30)
            && let Some((name, _)) = attributes.get(place)
        {
            return name.clone();
        }
        self.attribute(&Kind::Part(edge))
            .map_or_else(|| "a".to_owned(), |(name, _)| name)
    }

    fn paths(&mut self, text: &mut String) {
        let (start, target) = (self.start(), self.start());
        let (graph, vertex, edge) = self.graph();
        let direction = self.chance.pick(&["OUTBOUND", "INBOUND", "ANY"]);
        let path = Kind::made(vec![
            ("vertices", Kind::list(Kind::Part(vertex))),
            ("edges", Kind::list(Kind::Part(edge))),
        ]);
        match self.chance.below(4) {
            0 => {
                self.note("SHORTEST_PATH");
                let (v, e) = (self.declare(Kind::Part(vertex)), self.declare(Kind::Part(edge)));
                text.push_str(&format!(
                    " FOR {v}, {e} IN {direction} SHORTEST_PATH {start} TO {target} {graph}"
                ));
            }
            1 => {
                self.note("ALL_SHORTEST_PATHS");
                let p = self.declare(path);
                text.push_str(&format!(
                    " FOR {p} IN {direction} ALL_SHORTEST_PATHS {start} TO {target} {graph}"
                ));
            }
            2 => {
                self.note("K_SHORTEST_PATHS");
                let p = self.declare(path);
                text.push_str(&format!(
                    " FOR {p} IN {direction} K_SHORTEST_PATHS {start} TO {target} {graph}"
                ));
            }
            _ => {
                self.note("K_PATHS");
                let p = self.declare(path);
                text.push_str(&format!(
                    " FOR {p} IN 1..2 {direction} K_PATHS {start} TO {target} {graph}"
                ));
                return;
            }
        }
        if self.chance.percent(25) {
            let attribute = self.weight(edge);
            text.push_str(&format!(
                " OPTIONS {{weightAttribute: \"{attribute}\", defaultWeight: 2}}"
            ));
        }
        if text.contains("K_SHORTEST_PATHS") {
            text.push_str(" LIMIT 3");
        }
    }

    fn sort(&mut self, text: &mut String, depth: usize) {
        self.note("SORT");
        let key = self.scalar(depth);
        let direction = match self.chance.below(4) {
            0 => " DESC".to_owned(),
            1 => format!(" {}", self.bind(json!("DESC"))),
            2 => " ASC".to_owned(),
            _ => String::new(),
        };
        text.push_str(&format!(" SORT {key}{direction}"));
    }

    fn aggregates(&mut self) -> (String, Vec<Variable<'w>>) {
        let function = self.chance.pick(&[
            "SUM",
            "MAX",
            "MIN",
            "UNIQUE",
            "SORTED_UNIQUE",
            "COUNT_DISTINCT",
            "AVG",
            "PUSH",
            "COUNT",
            "STDDEV_SAMPLE",
            "VARIANCE_POPULATION",
            "BIT_XOR",
        ]);
        let argument = match self.document() {
            Some(variable) if self.chance.percent(15) => Made {
                text: variable.name,
                kind: variable.kind,
            },
            _ => Made {
                text: self.scalar(0),
                kind: Kind::Plain,
            },
        };
        let name = self.name();
        let kind = if function == "PUSH" {
            Kind::list(argument.kind)
        } else {
            Kind::Plain
        };
        (
            format!(" AGGREGATE {name} = {function}({})", argument.text),
            vec![Variable { name, kind }],
        )
    }

    fn collect(&mut self, text: &mut String, depth: usize, before_loops: usize) {
        self.note("COLLECT");
        text.push_str(" COLLECT");
        let mut made = Vec::new();
        let grouped = self.chance.percent(75);
        if grouped {
            let key = match self.path() {
                Some(made) => made,
                None => self.expr(depth.min(1)),
            };
            let name = self.name();
            text.push_str(&format!(" {name} = {}", key.text));
            made.push(Variable { name, kind: key.kind });
            if self.chance.percent(20) {
                self.note("COLLECT several");
                let (key, name) = (self.scalar(0), self.name());
                text.push_str(&format!(", {name} = {key}"));
                made.push(Variable {
                    name,
                    kind: Kind::Plain,
                });
            }
        }
        match self.chance.below(if grouped { 7 } else { 2 }) {
            0 => {
                self.note("COLLECT WITH COUNT");
                let name = self.name();
                text.push_str(&format!(" WITH COUNT INTO {name}"));
                made.push(Variable {
                    name,
                    kind: Kind::Plain,
                });
            }
            1 => {
                self.note("COLLECT AGGREGATE");
                let (aggregates, variables) = self.aggregates();
                text.push_str(&aggregates);
                made.extend(variables);
            }
            2 => {
                self.note("COLLECT INTO");
                let name = self.name();
                let value = self.expr(depth.min(1));
                text.push_str(&format!(" INTO {name} = {}", value.text));
                made.push(Variable {
                    name,
                    kind: Kind::list(value.kind),
                });
            }
            3 | 4 => {
                self.note("COLLECT INTO");
                let name = self.name();
                text.push_str(&format!(" INTO {name}"));
                let closed: Vec<Variable<'w>> = self.scope.iter().skip(before_loops).cloned().collect();
                let mut captured: Vec<(String, Kind<'w>)> = closed
                    .into_iter()
                    .map(|variable| (variable.name, variable.kind))
                    .collect();
                if !captured.is_empty() && self.chance.percent(35) {
                    self.note("COLLECT KEEP");
                    captured.truncate(1 + self.chance.below(2));
                    let names: Vec<&str> = captured.iter().map(|(name, _)| name.as_str()).collect();
                    text.push_str(&format!(" KEEP {}", names.join(", ")));
                }
                made.push(Variable {
                    name,
                    kind: Kind::list(Kind::Made(captured)),
                });
            }
            5 => {
                self.note("COLLECT AGGREGATE INTO");
                let (aggregates, variables) = self.aggregates();
                let (name, value) = (self.name(), self.expr(0));
                text.push_str(&format!("{aggregates} INTO {name} = {}", value.text));
                made.extend(variables);
                made.push(Variable {
                    name,
                    kind: Kind::list(value.kind),
                });
            }
            _ => {}
        }
        if self.chance.percent(15) {
            text.push_str(
                self.chance
                    .pick(&[" OPTIONS {method: \"hash\"}", " OPTIONS {method: \"sorted\"}"]),
            );
        }
        self.scope.truncate(before_loops);
        self.scope.extend(made);
    }

    fn window(&mut self, text: &mut String) {
        if !self.written.is_empty() {
            return;
        }
        self.note("WINDOW");
        let range = if self.chance.percent(30) {
            format!("{} WITH ", self.scalar(0))
        } else {
            String::new()
        };
        let (aggregates, variables) = self.aggregates();
        text.push_str(&format!(" WINDOW {range}{{preceding: 1, following: 1}}{aggregates}"));
        self.scope.extend(variables);
    }

    fn modify(&mut self, text: &mut String, depth: usize) -> bool {
        let operation = [
            Operation::Insert,
            Operation::Insert,
            Operation::Insert,
            Operation::Update,
            Operation::Update,
            Operation::Replace,
            Operation::Remove,
        ][self.chance.below(7)];
        let upsert = operation == Operation::Insert && self.chance.percent(45);
        let collection = match self.looped_collection(operation) {
            Some(collection) => collection,
            None if upsert => self.upserted_collection(),
            None => self.collection(operation, None),
        };
        // What holds something read-only is never replaced.
        let kept = |path: &String| !path.starts_with('_');
        let operation = match operation {
            Operation::Replace
                if self.chance.percent(70)
                    && self.world.permits(&collection.name, Operation::Update)
                    && collection.shape.read_only_paths(&self.world.roles).iter().any(kept) =>
            {
                Operation::Update
            }
            other => other,
        };
        let kind = Kind::Part(&collection.shape);
        let target = self.source(&collection.name);
        let target = if self.chance.percent(5) {
            format!("\"{}\"", collection.name)
        } else {
            target
        };
        let target = format!("{} {target}", self.chance.pick(&["IN", "INTO"]));
        let mut declared: &[&str] = &["OLD", "NEW"];
        match operation {
            Operation::Insert if upsert => self.upsert(text, collection, &target),
            Operation::Insert => {
                self.note("INSERT");
                let more = [Operation::Replace, Operation::Update, Operation::Read];
                let more = more.map(|operation| self.world.permits(&collection.name, operation));
                let allowed = |choice: usize| match choice {
                    0 => more[0],
                    1..=3 => more[1],
                    4 => more[2],
                    _ => true,
                };
                let mut choice = self.chance.below(9);
                if !allowed(choice) && self.chance.percent(80) {
                    choice = self.chance.below(9);
                }
                let options = match choice {
                    0 => " OPTIONS {overwriteMode: \"replace\"}",
                    1 => " OPTIONS {overwriteMode: \"update\", keepNull: false}",
                    2 => " OPTIONS {overwriteMode: \"update\", mergeObjects: false}",
                    3 => " OPTIONS {overwriteMode: \"update\"}",
                    4 => " OPTIONS {overwriteMode: \"ignore\"}",
                    5 => " OPTIONS {ignoreErrors: true}",
                    _ => "",
                };
                let wanted = if options.contains("overwrite") {
                    self.note("INSERT that overwrites");
                    if options.contains("ignore") {
                        declared = &["NEW"];
                    }
                    Wanted::Overwriting
                } else {
                    declared = &["NEW"];
                    Wanted::Whole
                };
                let document = if self.chance.percent(12) {
                    self.bound_documents(text, collection, wanted)
                } else {
                    self.written_document(collection, wanted)
                };
                text.push_str(&format!(" INSERT {document} {target}{options}"));
            }
            Operation::Update | Operation::Replace => {
                let replace = operation == Operation::Replace;
                self.note(if replace { "REPLACE" } else { "UPDATE" });
                let key = self.key(collection);
                let document = self.written_document(collection, if replace { Wanted::Whole } else { Wanted::Part });
                let options = self.update_options(collection);
                let verb = if replace { "REPLACE" } else { "UPDATE" };
                text.push_str(&format!(" {verb} {key} WITH {document} {target}{options}"));
            }
            _ => {
                self.note("REMOVE");
                let key = self.key(collection);
                declared = &["OLD"];
                text.push_str(&format!(" REMOVE {key} {target}"));
                if self.chance.percent(30) {
                    text.push_str(" OPTIONS {ignoreErrors: true}");
                }
            }
        }
        self.written.insert(collection.name.clone());
        let _ = depth;
        for name in declared {
            self.scope.retain(|variable| variable.name != *name);
            self.scope.push(Variable {
                name: (*name).to_owned(),
                kind: kind.clone(),
            });
        }
        true
    }

    /// A loop over documents that are bound as a list; gives its variable.
    fn bound_documents(&mut self, text: &mut String, collection: &Collection, wanted: Wanted) -> String {
        self.note("bound documents");
        let documents = (0..2).map(|_| self.document_to_write(collection, wanted)).collect();
        let list = self.bind(serde_json::Value::Array(documents));
        let name = self.declare(Kind::Plain);
        text.push_str(&format!(" FOR {name} IN {list}"));
        name
    }

    /// A collection of which a document is in scope and which allows the operation, now and then.
    fn looped_collection(&mut self, operation: Operation) -> Option<&'w Collection> {
        let world = self.world;
        let in_scope = |collection: &&Collection| {
            let documents = |variable: &Variable<'w>| matches!(&variable.kind, Kind::Part(shape) if std::ptr::eq(*shape, &raw const collection.shape));
            self.scope.iter().any(documents) && world.permits(&collection.name, operation)
        };
        let found = world.resources().collections.values().map(|it| &**it).find(in_scope)?;
        self.chance.percent(40).then_some(found)
    }

    /// A collection that an `UPSERT` may write, where there is one.
    fn upserted_collection(&mut self) -> &'w Collection {
        let mut collection = self.collection(Operation::Insert, None);
        for _ in 0..6 {
            let permits = |operation| self.world.permits(&collection.name, operation);
            if permits(Operation::Read) && permits(Operation::Insert) && permits(Operation::Update) {
                break;
            }
            collection = self.collection(Operation::Insert, None);
        }
        collection
    }

    /// The document that a modification changes: a key, a loop's document, or an object with the key.
    fn key(&mut self, collection: &Collection) -> String {
        let looped = self.scope.iter().rev().find(
            |variable| matches!(&variable.kind, Kind::Part(shape) if std::ptr::eq(*shape, &raw const collection.shape)),
        );
        match (self.chance.below(5), looped.map(|variable| variable.name.clone())) {
            (0 | 1, Some(name)) => name,
            (2, Some(name)) => format!("{name}._key"),
            (3, _) => "{_key: \"k0\"}".to_owned(),
            (4, _) => self.bind(json!("k1")),
            _ => "\"k0\"".to_owned(),
        }
    }

    fn upsert(&mut self, text: &mut String, collection: &'w Collection, target: &str) {
        self.note("UPSERT");
        let shape = Kind::Part(&collection.shape);
        let lookup = if self.chance.percent(30) {
            self.note("UPSERT FILTER");
            self.scope.push(Variable {
                name: "CURRENT".to_owned(),
                kind: shape.clone(),
            });
            let condition = match self.step("CURRENT", &shape) {
                Some(step) => format!("FILTER {} == \"x\"", step.text),
                None => "FILTER CURRENT._key == \"k0\"".to_owned(),
            };
            self.scope.pop();
            condition
        } else {
            let name = self
                .attribute(&shape)
                .map_or_else(|| "_key".to_owned(), |(name, _)| name);
            match self.chance.below(3) {
                0 => format!("{{\"{name}\": \"x\"}}"),
                1 => self.bind(json!({ name: "k0" })),
                _ => "{_key: \"k0\"}".to_owned(),
            }
        };
        let insert = self.written_document(collection, Wanted::Whole);
        let replace = self.chance.percent(30);
        let update = self.written_document(collection, if replace { Wanted::Whole } else { Wanted::Part });
        let verb = if replace { "REPLACE" } else { "UPDATE" };
        let options = self.update_options(collection);
        text.push_str(&format!(
            " UPSERT {lookup} INSERT {insert} {verb} {update} {target}{options}"
        ));
    }

    /// Options of what changes stored documents.
    fn update_options(&mut self, collection: &'w Collection) -> String {
        match self.chance.below(12) {
            0 | 1 | 8 => " OPTIONS {keepNull: false}".to_owned(),
            2 | 3 => " OPTIONS {mergeObjects: false}".to_owned(),
            4 => " OPTIONS {keepNull: false, mergeObjects: false}".to_owned(),
            5 => " OPTIONS {ignoreErrors: true}".to_owned(),
            6 => {
                let version = self
                    .attribute(&Kind::Part(&collection.shape))
                    .map_or_else(|| "a".to_owned(), |(name, _)| name);
                format!(" OPTIONS {{versionAttribute: \"{version}\"}}")
            }
            7 => " OPTIONS {ignoreRevs: false}".to_owned(),
            _ => String::new(),
        }
    }
}
