//! `FOR x IN …` over collections, views, ranges and arrays.

use mallku_db::aql::ast::{Expr, ExprKind, For, SourceRef};

use super::{Evaluator, Flow};
use crate::error::{ArangoError, Result};
use crate::value::{Origin, Text, Value};

type Next<'s, 'd> = dyn FnMut(&mut Evaluator<'d>) -> Result<Flow> + 's;

impl<'d> Evaluator<'d> {
    pub(super) fn each(&mut self, each: &For<'_>, next: &mut Next<'_, 'd>) -> Result<Flow> {
        match &each.source.kind {
            ExprKind::Source(name) => self.each_of_source(&name.text, each, next),
            ExprKind::SourceBind(bind) => {
                let name = self.bind(&bind.key)?;
                self.each_of_source(name.as_str().unwrap_or_default(), each, next)
            }
            ExprKind::Range { low, high } => {
                let (low, high) = self.range(low, high)?;
                let mut numbers =
                    (low.min(high)..=low.max(high)).map(|i| if low <= high { i } else { low - (i - high) });
                numbers
                    .try_fold(Flow::More, |_, number| self.one(each, Value::Int(number), next))
                    .or_else(settle)
            }
            _ => {
                let value = self.eval(&each.source)?;
                let items = self.elements(&value).ok_or_else(|| {
                    let kind = value.type_name();
                    ArangoError::new(
                        1563,
                        format!(
                            "collection or array expected as operand to FOR loop; you provided a value of type '{kind}'"
                        ),
                    )
                })?;
                items
                    .into_iter()
                    .try_fold(Flow::More, |_, item| self.one(each, item, next))
                    .or_else(settle)
            }
        }
    }

    fn each_of_source(&mut self, name: &str, each: &For<'_>, next: &mut Next<'_, 'd>) -> Result<Flow> {
        let names: Vec<String> = match self.database.view(name) {
            Ok(view) => {
                let names = view.collections().into_iter().map(str::to_owned).collect();
                self.note(|trace| {
                    trace.views_and_graphs.insert(Text::from(name));
                });
                names
            }
            Err(_) => vec![name.to_owned()],
        };
        for name in names {
            // The documents as they are now, whatever a later statement writes.
            let collection = self.database.shared(&name)?.clone();
            self.note(|trace| {
                trace.scanned.insert(collection.name().clone());
            });
            for document in collection.documents() {
                self.stats.scanned_full += 1;
                let document = self.stored(collection.name(), document);
                match self.one(each, document, next) {
                    Ok(_) => {}
                    Err(stop) => return settle(stop),
                }
            }
        }
        Ok(Flow::More)
    }

    /// One round of a loop: `Err(Stop::Enough)` ends it.
    fn one(&mut self, each: &For<'_>, value: Value, next: &mut Next<'_, 'd>) -> std::result::Result<Flow, Stop> {
        self.bind_pattern(&each.target, value);
        if let Some(search) = &each.search
            && !self.search(search)?
        {
            return Ok(Flow::More);
        }
        match next(self)? {
            Flow::More => Ok(Flow::More),
            Flow::Enough => Err(Stop::Enough),
        }
    }

    /// A stored document as a value of the query: with its origin when a trace is kept.
    pub(crate) fn stored(&self, collection: &Text, document: &Value) -> Value {
        if self.trace.is_some() {
            document.marked(&Origin {
                collection: collection.clone(),
                path: Vec::new(),
            })
        } else {
            document.clone()
        }
    }

    /// The document with this id, where there is one.
    pub(crate) fn fetch(&mut self, id: &str) -> Option<Value> {
        let (collection, key) = id.split_once('/')?;
        let collection = self.database.shared(collection).ok()?.clone();
        self.note(|trace| {
            trace.fetched.insert(collection.name().clone());
        });
        collection
            .get(key)
            .map(|document| self.stored(collection.name(), document))
    }

    /// The name of a source that stands where only a source can.
    pub(super) fn source_name(&self, source: &SourceRef<'_>) -> Result<Text> {
        match source {
            SourceRef::Name(name) => Ok(Text::from(&*name.text)),
            SourceRef::Bind(bind) => match self.bind(&bind.key)? {
                Value::String(name) => Ok(name),
                _ => Err(ArangoError::new(
                    1553,
                    format!("bind parameter '{}' is no collection name", bind.key),
                )),
            },
        }
    }

    /// The constant object after `OPTIONS`, else `null`.
    pub(super) fn statement_options(&mut self, options: Option<&Expr<'_>>) -> Result<Value> {
        options.map_or(Ok(Value::Null), |options| self.eval(options))
    }
}

/// Why a loop ended early.
enum Stop {
    Enough,
    Failed(ArangoError),
}

impl From<ArangoError> for Stop {
    fn from(error: ArangoError) -> Self {
        Stop::Failed(error)
    }
}

fn settle(stop: Stop) -> Result<Flow> {
    match stop {
        Stop::Enough => Ok(Flow::Enough),
        Stop::Failed(error) => Err(error),
    }
}
