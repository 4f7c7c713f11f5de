//! A schema set as a diagram, in Mermaid or in DOT.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::model::{Allow, Operation, Resources, SchemaSet};
use super::shape::{Access, Shape};

/// Who may do what, on one line: `*: read; analyst: read, insert`.
pub fn permissions(allow: &Allow) -> String {
    let roles = allow
        .by_role
        .iter()
        .filter(|(_, operations)| !operations.is_empty())
        .map(|(role, operations)| {
            let names: Vec<&str> = operations.iter().copied().map(Operation::name).collect();
            let who = if role == super::model::EVERYBODY {
                "everybody"
            } else {
                role
            };
            format!("{who}: {}", names.join(", "))
        });
    let text = roles.collect::<Vec<_>>().join("; ");
    if text.is_empty() { "nobody".to_owned() } else { text }
}

/// What is drawn: boxes and arrows of one database.
struct Drawing {
    nodes: Vec<Node>,
    arrows: Vec<Arrow>,
}

struct Node {
    kind: Kind,
    name: String,
    /// Lines below the name.
    lines: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Document,
    View,
    Graph,
}

struct Arrow {
    from: usize,
    to: usize,
    label: String,
    dashed: bool,
}

fn drawing(resources: &Resources) -> Drawing {
    let mut nodes = Vec::new();
    let mut places = BTreeMap::new();
    for collection in resources
        .collections
        .values()
        .filter(|collection| collection.edge.is_none())
    {
        places.insert(collection.name.as_str(), nodes.len());
        let mut lines = vec![permissions(&collection.allow)];
        lines.extend(restricted("hidden", &collection.shape, |shape| &shape.read));
        lines.extend(restricted("read-only", &collection.shape, |shape| &shape.write));
        nodes.push(Node {
            kind: Kind::Document,
            name: collection.name.clone(),
            lines,
        });
    }
    let mut arrows = Vec::new();
    for collection in resources.collections.values() {
        let Some(ends) = &collection.edge else { continue };
        let label = format!("{}\n{}", collection.name, permissions(&collection.allow));
        let mut drawn = false;
        for (from, to) in ends
            .from
            .iter()
            .flat_map(|from| ends.to.iter().map(move |to| (from, to)))
        {
            if let (Some(from), Some(to)) = (places.get(from.as_str()), places.get(to.as_str())) {
                arrows.push(Arrow {
                    from: *from,
                    to: *to,
                    label: label.clone(),
                    dashed: false,
                });
                drawn = true;
            }
        }
        if !drawn {
            nodes.push(Node {
                kind: Kind::Document,
                name: collection.name.clone(),
                lines: vec![permissions(&collection.allow)],
            });
        }
    }
    for view in resources.views.values() {
        let from = nodes.len();
        nodes.push(Node {
            kind: Kind::View,
            name: view.name.clone(),
            lines: vec![permissions(&view.allow)],
        });
        for to in view.collections.iter().filter_map(|name| places.get(name.as_str())) {
            arrows.push(Arrow {
                from,
                to: *to,
                label: "spans".to_owned(),
                dashed: true,
            });
        }
    }
    for graph in resources.graphs.values() {
        let from = nodes.len();
        let edges = graph.edges.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let lines = vec![format!("edges: {edges}"), permissions(&graph.allow)];
        nodes.push(Node {
            kind: Kind::Graph,
            name: graph.name.clone(),
            lines,
        });
        for to in graph.orphans.iter().filter_map(|name| places.get(name.as_str())) {
            arrows.push(Arrow {
                from,
                to: *to,
                label: "orphan".to_owned(),
                dashed: true,
            });
        }
    }
    Drawing { nodes, arrows }
}

/// The topmost attributes that not everybody may use in this way, with who may.
fn restricted(word: &str, shape: &Shape, access: fn(&Shape) -> &Access) -> Option<String> {
    let named: Vec<String> = shape
        .attributes
        .iter()
        .filter_map(|(name, attribute)| match access(attribute) {
            Access::Everybody => None,
            Access::Nobody => Some(name.clone()),
            Access::Roles(roles) => Some(format!(
                "{name} (but for {})",
                roles.iter().cloned().collect::<Vec<_>>().join(", ")
            )),
        })
        .collect();
    (!named.is_empty()).then(|| format!("{word}: {}", named.join(", ")))
}

/// The set as a Mermaid flow chart.
pub fn mermaid(set: &SchemaSet) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (number, (database, resources)) in set.resources.iter().enumerate() {
        let drawing = drawing(resources);
        let id = |node: usize| format!("d{number}n{node}");
        let _ = writeln!(text, "  subgraph d{number} [\"{}\"]", mermaid_text(database));
        for (index, node) in drawing.nodes.iter().enumerate() {
            let label = std::iter::once(format!("<b>{}</b>", mermaid_text(&node.name)))
                .chain(node.lines.iter().map(|line| mermaid_text(line)))
                .collect::<Vec<_>>()
                .join("<br/>");
            let (open, close) = match node.kind {
                Kind::Document => ("[", "]"),
                Kind::View => ("([", "])"),
                Kind::Graph => ("{{", "}}"),
            };
            let _ = writeln!(text, "    {}{open}\"{label}\"{close}", id(index));
        }
        for arrow in &drawing.arrows {
            let line = if arrow.dashed { "-.->" } else { "-->" };
            let label = mermaid_text(&arrow.label).replace('\n', "<br/>");
            let _ = writeln!(text, "    {} {line}|\"{label}\"| {}", id(arrow.from), id(arrow.to));
        }
        text.push_str("  end\n");
    }
    text
}

/// Mermaid reads entity codes in quoted labels.
fn mermaid_text(text: &str) -> String {
    text.replace('&', "#amp;")
        .replace('"', "#quot;")
        .replace('<', "#lt;")
        .replace('>', "#gt;")
}

/// The set as a DOT digraph.
pub fn dot(set: &SchemaSet) -> String {
    let mut text = "digraph schemas {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", shape=box];\n  edge [fontname=\"sans-serif\"];\n".to_owned();
    for (number, (database, resources)) in set.resources.iter().enumerate() {
        let drawing = drawing(resources);
        let id = |node: usize| format!("d{number}n{node}");
        let _ = writeln!(
            text,
            "  subgraph cluster_{number} {{\n    label={};",
            dot_text(database)
        );
        for (index, node) in drawing.nodes.iter().enumerate() {
            let label = std::iter::once(&node.name)
                .chain(&node.lines)
                .cloned()
                .collect::<Vec<_>>()
                .join("\n");
            let shape = match node.kind {
                Kind::Document => "box",
                Kind::View => "ellipse",
                Kind::Graph => "hexagon",
            };
            let _ = writeln!(text, "    {} [shape={shape}, label={}];", id(index), dot_text(&label));
        }
        for arrow in &drawing.arrows {
            let style = if arrow.dashed { ", style=dashed" } else { "" };
            let _ = writeln!(
                text,
                "    {} -> {} [label={}{style}];",
                id(arrow.from),
                id(arrow.to),
                dot_text(&arrow.label)
            );
        }
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    text
}

fn dot_text(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}
