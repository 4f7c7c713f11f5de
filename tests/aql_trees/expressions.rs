//! Expressions.

use mallku_db::aql::ast::{
    BinaryOp, Expansion, Expr, ExprKind, Limit, Member, MemberKey, Quantifier, Question, Span, UnaryOp, VarId,
    VariableKind,
};

use super::builder::{Builder, name};

type Built = Expr<'static>;

fn node(kind: ExprKind<'static>) -> Built {
    Expr {
        kind,
        span: Span::default(),
    }
}

/// What suffixes after an expansion go on.
fn bottom(expr: &mut Built) -> &mut Built {
    match expr {
        Expr {
            kind: ExprKind::Expansion(expansion),
            ..
        } => bottom(&mut expansion.element),
        other => other,
    }
}

fn replace(place: &mut Built, with: impl FnOnce(Box<Built>) -> Built) {
    let taken = std::mem::replace(place, node(ExprKind::Null));
    *place = with(Box::new(taken));
}

impl Builder<'_> {
    pub(crate) fn expression(&mut self) -> Built {
        self.depth += 1;
        let expr = if self.depth > 7 {
            self.leaf()
        } else {
            self.any_expression()
        };
        self.depth -= 1;
        expr
    }

    fn boxed(&mut self) -> Box<Built> {
        Box::new(self.expression())
    }

    /// What needs no other expression.
    pub(crate) fn leaf(&mut self) -> Built {
        node(match self.pick(9) {
            0 => make!(self, ExprKind::Null),
            1 => make!(self, ExprKind::Bool(self.flip())),
            2 => make!(self, ExprKind::Int(self.one(&[0, 1, 42, i64::MAX]))),
            3 => make!(self, ExprKind::Double(self.one(&[0.0, 0.5, 2.0, 1e300, 5e-324]))),
            4 => make!(self, ExprKind::String(self.text().into())),
            5 => make!(self, ExprKind::Source(self.collection_in_expression())),
            6 => make!(self, ExprKind::SourceBind(self.source_bind())),
            7 => make!(self, ExprKind::Bind(self.bind())),
            _ => self
                .visible_variable()
                .map_or(ExprKind::Null, |id| make!(self, ExprKind::Variable(id))),
        })
    }

    fn collection_in_expression(&mut self) -> mallku_db::aql::ast::Name<'static> {
        let collection = self.collection();
        // Quoted or not, these are what is there of that name.
        match &*collection.text {
            "OLD" if self.old.is_some() => name("d"),
            "NEW" if self.new.is_some() => name("d"),
            "CURRENT" if !self.currents.is_empty() => name("d"),
            _ => collection,
        }
    }

    pub(crate) fn visible_variable(&mut self) -> Option<VarId> {
        let pseudo = [self.old, self.new, self.currents.last().copied()];
        let all: Vec<VarId> = pseudo
            .into_iter()
            .flatten()
            .chain(self.visible.iter().copied())
            .collect();
        (!all.is_empty()).then(|| all[usize::from(self.pick(255)) % all.len()])
    }

    fn any_expression(&mut self) -> Built {
        node(match self.pick(20) {
            0..=4 => return self.leaf(),
            5 => make!(self, ExprKind::Array(self.several(Self::expression))),
            6 => make!(self, ExprKind::Object(self.several(Self::member))),
            7 => {
                let base = self.boxed();
                let name = name(self.text());
                make!(self, ExprKind::Attribute { base, name })
            }
            8 => {
                let base = self.boxed();
                let bind = self.bind();
                make!(self, ExprKind::AttributeBind { base, bind })
            }
            9 => {
                let (base, index) = (self.boxed(), self.boxed());
                make!(self, ExprKind::Index { base, index })
            }
            10 | 11 => return self.expansion(),
            12 => {
                let base = self.expression();
                return self.question(base);
            }
            13 => {
                let op = self.unary();
                let operand = self.boxed();
                make!(self, ExprKind::Unary { op, operand })
            }
            14 => {
                let op = self.binary();
                let (left, right) = (self.boxed(), self.boxed());
                make!(self, ExprKind::Binary { op, left, right })
            }
            15 => {
                let left = self.boxed();
                let quantifier = self.quantifier();
                let op = self.comparison();
                let right = self.boxed();
                make!(
                    self,
                    ExprKind::Quantified {
                        quantifier,
                        op,
                        left,
                        right
                    }
                )
            }
            16 => {
                let condition = self.boxed();
                let then = self.maybe(Self::boxed);
                let otherwise = self.boxed();
                make!(
                    self,
                    ExprKind::Ternary {
                        condition,
                        then,
                        otherwise
                    }
                )
            }
            17 => {
                let (low, high) = (self.boxed(), self.boxed());
                make!(self, ExprKind::Range { low, high })
            }
            18 => {
                let (function, least, most) = self.one(&[
                    ("LENGTH", 1, 1),
                    ("LIKE", 2, 3),
                    ("CONCAT", 1, 4),
                    ("RAND", 0, 0),
                    ("MY::F", 0, 3),
                ]);
                let count = least + self.pick(most - least + 1);
                let args = (0..count).map(|_| self.expression()).collect();
                let function = name(function);
                make!(self, ExprKind::Call { function, args })
            }
            _ if self.pruning => return self.leaf(),
            _ => make!(self, ExprKind::Subquery(Box::new(self.block()))),
        })
    }

    /// Up to three items.
    fn several<T>(&mut self, build: impl FnMut(&mut Self) -> T) -> Vec<T> {
        if self.flip() { self.list(3, build) } else { Vec::new() }
    }

    fn member(&mut self) -> Member<'static> {
        let key = match self.pick(3) {
            0 => make!(self, MemberKey::Name(name(self.text()))),
            1 => make!(self, MemberKey::Bind(self.bind())),
            _ => make!(self, MemberKey::Computed(Box::new(self.expression()))),
        };
        Member {
            key,
            value: self.expression(),
            span: Span::default(),
        }
    }

    /// `[* …]` and suffixes after it, put together as the parser does it.
    fn expansion(&mut self) -> Built {
        let base = self.expression();
        let mut first = self.expanded(base);
        for _ in 0..self.pick(4) {
            if projects(&first) {
                break;
            }
            let ExprKind::Expansion(outer) = &mut first.kind else {
                return first;
            };
            match self.pick(5) {
                0 => {
                    let name = name(self.text());
                    replace(bottom(&mut outer.element), |base| {
                        node(make!(self, ExprKind::Attribute { base, name }))
                    });
                }
                1 => {
                    let bind = self.bind();
                    replace(bottom(&mut outer.element), |base| {
                        node(make!(self, ExprKind::AttributeBind { base, bind }))
                    });
                }
                2 => {
                    let index = self.boxed();
                    replace(bottom(&mut outer.element), |base| {
                        node(make!(self, ExprKind::Index { base, index }))
                    });
                }
                _ if outer.projection.is_some() => break,
                3 => replace(&mut outer.element, |base| self.expanded_once(*base)),
                _ => replace(&mut outer.element, |base| self.asked(*base, 1)),
            }
        }
        first
    }

    fn expanded(&mut self, base: Built) -> Built {
        let levels = self.one(&[1, 1, 2, 3]);
        self.expanded_by(base, levels)
    }

    fn expanded_once(&mut self, base: Built) -> Built {
        self.expanded_by(base, 1)
    }

    fn expanded_by(&mut self, base: Built, levels: u32) -> Built {
        let current = self.enter();
        let filter = self.maybe(Self::expression);
        let limit = self.maybe(|builder| Limit {
            offset: builder.maybe(Self::expression),
            count: builder.expression(),
        });
        let projection = if self.pick(4) == 1 {
            Some(self.expression())
        } else {
            None
        };
        self.currents.pop();
        let element = node(make!(self, ExprKind::Variable(current)));
        let expansion = Expansion {
            base,
            levels,
            current,
            filter,
            limit,
            projection,
            element,
        };
        node(make!(self, ExprKind::Expansion(Box::new(expansion))))
    }

    fn question(&mut self, base: Built) -> Built {
        let levels = self.one(&[1, 1, 2, 3]);
        self.asked(base, levels)
    }

    fn asked(&mut self, base: Built, levels: u32) -> Built {
        let current = self.enter();
        let quantifier = match self.pick(3) {
            0 => None,
            1 => Some(self.quantifier()),
            _ => Some(make!(self, Quantifier::Count(self.boxed()))),
        };
        let filter = if quantifier.is_some() || self.flip() {
            Some(self.expression())
        } else {
            None
        };
        self.currents.pop();
        let question = Question {
            base,
            levels,
            current,
            quantifier,
            filter,
        };
        node(make!(self, ExprKind::Question(Box::new(question))))
    }

    fn enter(&mut self) -> VarId {
        let current = self.hidden(make!(self, VariableKind::Current));
        self.currents.push(current);
        current
    }

    fn quantifier(&mut self) -> Quantifier<'static> {
        match self.pick(4) {
            0 => make!(self, Quantifier::All),
            1 => make!(self, Quantifier::Any),
            2 => make!(self, Quantifier::None),
            _ => make!(self, Quantifier::AtLeast(self.boxed())),
        }
    }

    fn unary(&mut self) -> UnaryOp {
        match self.pick(3) {
            0 => make!(self, UnaryOp::Plus),
            1 => make!(self, UnaryOp::Minus),
            _ => make!(self, UnaryOp::Not),
        }
    }

    fn comparison(&mut self) -> BinaryOp {
        match self.pick(12) {
            0 => make!(self, BinaryOp::Eq),
            1 => make!(self, BinaryOp::Ne),
            2 => make!(self, BinaryOp::Lt),
            3 => make!(self, BinaryOp::Le),
            4 => make!(self, BinaryOp::Gt),
            5 => make!(self, BinaryOp::Ge),
            6 => make!(self, BinaryOp::In),
            7 => make!(self, BinaryOp::NotIn),
            8 => make!(self, BinaryOp::Like),
            9 => make!(self, BinaryOp::NotLike),
            10 => make!(self, BinaryOp::Matches),
            _ => make!(self, BinaryOp::NotMatches),
        }
    }

    fn binary(&mut self) -> BinaryOp {
        match self.pick(16) {
            0 => make!(self, BinaryOp::Or),
            1 => make!(self, BinaryOp::And),
            2 => make!(self, BinaryOp::Add),
            3 => make!(self, BinaryOp::Sub),
            4 => make!(self, BinaryOp::Mul),
            5 => make!(self, BinaryOp::Div),
            6 => make!(self, BinaryOp::Mod),
            _ => self.comparison(),
        }
    }
}

/// Whether the last expansion of a chain has a projection.
fn projects(expr: &Built) -> bool {
    match &expr.kind {
        ExprKind::Expansion(outer) if matches!(outer.element.kind, ExprKind::Expansion(_)) => projects(&outer.element),
        ExprKind::Expansion(outer) => outer.projection.is_some(),
        _ => false,
    }
}
