//! `SHORTEST_PATH`, `ALL_SHORTEST_PATHS`, `K_SHORTEST_PATHS` and `K_PATHS`.
//!
//! All are one search that takes the lightest way first and never visits a vertex twice on a way.

use std::collections::{BinaryHeap, HashMap};

use mallku_db::aql::ast::{PathKind, Paths};

use super::traverse::{Way, Weighted};
use super::{Evaluator, Flow};
use crate::error::Result;
use crate::value::{Text, Value};

impl<'d> Evaluator<'d> {
    pub(super) fn paths(
        &mut self,
        paths: &Paths<'_>,
        next: &mut dyn FnMut(&mut Evaluator<'d>) -> Result<Flow>,
    ) -> Result<Flow> {
        let (low, high) = match paths.kind {
            PathKind::KPaths => self.depths(paths.depth.as_ref(), (1, 1))?,
            _ => (0, usize::MAX),
        };
        let options = self.statement_options(paths.options.as_ref())?;
        let edges = self.edges(&paths.graph, paths.direction, &options)?;
        let (Some(start), Some(target)) = (self.start(&paths.start)?, self.start(&paths.target)?) else {
            return Ok(Flow::More);
        };
        let Some(target) = target.ids.first().cloned() else {
            return Ok(Flow::More);
        };
        if start.vertices.first().is_some_and(Value::is_null) {
            return Ok(Flow::More);
        }
        let single = matches!(paths.kind, PathKind::Shortest | PathKind::AllShortest);
        // The weight of the lightest way to each vertex: a heavier one is of no use to the shortest-path searches.
        let mut lightest: HashMap<Text, f64> = HashMap::new();
        let mut best: Option<f64> = None;
        let mut place = 0;
        let mut heap = BinaryHeap::from([Weighted { way: start, place }]);
        while let Some(Weighted { way, .. }) = heap.pop() {
            self.step()?;
            let Some(id) = way.ids.last().cloned() else { continue };
            let weight = way.weight();
            if single {
                if best.is_some_and(|best| weight > best) {
                    break;
                }
                let known = lightest.entry(id.clone()).or_insert(weight);
                if weight > *known {
                    continue;
                }
            }
            if id == target && way.edges.len() >= low {
                best = best.or(Some(weight));
                if self.found(paths, &way, next)? == Flow::Enough {
                    return Ok(Flow::Enough);
                }
                if paths.kind == PathKind::Shortest {
                    break;
                }
            }
            if id == target || way.edges.len() >= high {
                continue;
            }
            for (edge, id) in self.neighbours(&edges, &id)? {
                if !way.ids.contains(&id) {
                    place += 1;
                    heap.push(Weighted {
                        way: self.extended(&way, edge, id, &edges)?,
                        place,
                    });
                }
            }
        }
        Ok(Flow::More)
    }

    /// Sends a found way on: a row for each vertex of a shortest path, else one row with the path.
    fn found(
        &mut self,
        paths: &Paths<'_>,
        way: &Way,
        next: &mut dyn FnMut(&mut Evaluator<'d>) -> Result<Flow>,
    ) -> Result<Flow> {
        if paths.kind != PathKind::Shortest {
            let mut object = way.object();
            object.set("weight", Value::number(way.weight()));
            self.set(paths.first, Value::object(object));
            return next(self);
        }
        let edges = std::iter::once(Value::Null).chain(way.edges.iter().cloned());
        for (vertex, edge) in way.vertices.iter().zip(edges) {
            self.set(paths.first, vertex.clone());
            if let Some(variable) = paths.edge {
                self.set(variable, edge);
            }
            if next(self)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }
}
