//! The syntax tree of AQL: one type per construct, every node with its place in the text.
//!
//! Names are already resolved when a tree exists: a bare identifier is either an [`ExprKind::Variable`] or an
//! [`ExprKind::Source`] (collection or view), as ArangoDB's parser decides it. `CURRENT`, `OLD` and `NEW` are ordinary
//! variables, declared by the construct that brings them into being.
//!
//! A tree borrows its names and strings from the query text and copies only those that held an escape.

use std::borrow::Cow;

/// A half-open range of bytes in the query text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// An identifier after unquoting and unescaping, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'q> {
    /// The decoded text.
    pub text: Cow<'q, str>,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// Index of a variable in [`Query::variables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VarId(pub u32);

impl VarId {
    /// The index into [`Query::variables`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a variable came into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableKind {
    /// `FOR x IN …`, one step of a destructured row included.
    For,
    /// `LET x = …`.
    Let,
    /// Vertex variable of a traversal or shortest path.
    Vertex,
    /// Edge variable of a traversal or shortest path.
    Edge,
    /// Path variable.
    Path,
    /// `PRUNE x = …`.
    Prune,
    /// `COLLECT x = …`.
    Group,
    /// `AGGREGATE x = …` of `COLLECT` or `WINDOW`.
    Aggregate,
    /// `INTO x`.
    Into,
    /// `WITH COUNT INTO x`.
    Count,
    /// `OLD` of a modification.
    Old,
    /// `NEW` of a modification.
    New,
    /// `CURRENT` of an array operator or an `UPSERT FILTER`.
    Current,
}

/// A variable that the query declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable<'q> {
    /// Its name; `OLD`, `NEW` and `CURRENT` for pseudo variables.
    pub name: Name<'q>,
    /// What declared it.
    pub kind: VariableKind,
}

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query<'q> {
    /// The sources named by the leading `WITH`.
    pub with: Vec<SourceRef<'q>>,
    /// The statements.
    pub body: Block<'q>,
    /// Every variable, in order of declaration.
    pub variables: Vec<Variable<'q>>,
}

/// The statements of the query or of a subquery; ends in a `RETURN` or a modification.
#[derive(Clone, Debug, PartialEq)]
pub struct Block<'q> {
    /// The statements in order.
    pub statements: Vec<Statement<'q>>,
    /// From the first keyword to the end of the last statement.
    pub span: Span,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement<'q> {
    /// What it is.
    pub kind: StatementKind<'q>,
    /// From its keyword to its end.
    pub span: Span,
}

/// The statements of AQL.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind<'q> {
    /// `FOR x IN expr`.
    For(Box<For<'q>>),
    /// `FOR v, e, p IN 1..2 OUTBOUND start edges`.
    Traversal(Box<Traversal<'q>>),
    /// `FOR v IN OUTBOUND SHORTEST_PATH a TO b edges` and its relatives.
    Paths(Box<Paths<'q>>),
    /// `LET a = 1, b = 2`; one entry for each assignment.
    Let(Vec<Assignment<'q>>),
    /// `FILTER expr`.
    Filter(Expr<'q>),
    /// `SORT a, b DESC`.
    Sort(Vec<SortKey<'q>>),
    /// `LIMIT [offset,] count`.
    Limit(Box<Limit<'q>>),
    /// `COLLECT …`.
    Collect(Box<Collect<'q>>),
    /// `WINDOW …`.
    Window(Box<Window<'q>>),
    /// `INSERT doc INTO coll`.
    Insert(Box<Insert<'q>>),
    /// `UPDATE …` and `REPLACE …`.
    Update(Box<Update<'q>>),
    /// `REMOVE …`.
    Remove(Box<Remove<'q>>),
    /// `UPSERT …`.
    Upsert(Box<Upsert<'q>>),
    /// `RETURN [DISTINCT] expr`.
    Return(Return<'q>),
}

impl StatementKind<'_> {
    /// Whether it writes or removes documents.
    pub fn modifies(&self) -> bool {
        matches!(
            self,
            Self::Insert(_) | Self::Update(_) | Self::Remove(_) | Self::Upsert(_)
        )
    }
}

/// What a `FOR` or a `LET` binds: one variable or a destructuring pattern (ArangoDB 3.12.2 and later).
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern<'q> {
    /// A plain variable.
    Variable(VarId),
    /// `[a, , b]`: an absent slot skips its position.
    Array {
        /// The slots in order.
        slots: Vec<Option<Pattern<'q>>>,
        /// The brackets and what is between.
        span: Span,
    },
    /// `{a, b: c, d: {e}}`.
    Object {
        /// The fields in order; holes are dropped.
        fields: Vec<PatternField<'q>>,
        /// The braces and what is between.
        span: Span,
    },
}

/// One field of an object pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternField<'q> {
    /// The attribute that is read.
    pub attribute: Name<'q>,
    /// What receives it.
    pub target: Pattern<'q>,
}

/// `FOR target IN source [SEARCH condition] [OPTIONS {…}]`.
#[derive(Clone, Debug, PartialEq)]
pub struct For<'q> {
    /// The loop variable or pattern.
    pub target: Pattern<'q>,
    /// What is iterated over; a collection or view is an [`ExprKind::Source`] or [`ExprKind::SourceBind`].
    pub source: Expr<'q>,
    /// `SEARCH` condition.
    pub search: Option<Expr<'q>>,
    /// `OPTIONS` operand.
    pub options: Option<Expr<'q>>,
}

/// Direction of a traversal or of one of its edge collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Along the edges.
    Outbound,
    /// Against the edges.
    Inbound,
    /// Both.
    Any,
}

/// The edges that a traversal or path search follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Graph<'q> {
    /// `GRAPH name`, `GRAPH "name"`.
    Named(Name<'q>),
    /// `GRAPH @name`.
    NamedBind(Bind<'q>),
    /// A list of edge collections.
    Edges(Vec<EdgeSource<'q>>),
}

/// One edge collection of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeSource<'q> {
    /// Its own direction, where one is given.
    pub direction: Option<Direction>,
    /// The collection.
    pub source: SourceRef<'q>,
}

/// A collection (or view) in a position where only a data source can stand, whatever variables exist.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceRef<'q> {
    /// By name: an identifier, or a string as target of a modification.
    Name(Name<'q>),
    /// By bind parameter: `@@x` (value key `"@x"`), or `@x` where the grammar takes a collection there.
    Bind(Bind<'q>),
}

/// A bind parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind<'q> {
    /// The key in `bindVars`: `x` for `@x`, `@x` for `@@x`.
    pub key: Cow<'q, str>,
    /// Where it stands, the at signs included.
    pub span: Span,
}

/// `FOR v[, e[, p]] IN [depth] direction start graph [PRUNE …] [OPTIONS {…}]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Traversal<'q> {
    /// Vertex variable.
    pub vertex: VarId,
    /// Edge variable.
    pub edge: Option<VarId>,
    /// Path variable.
    pub path: Option<VarId>,
    /// Depth: a range or a number; absent means 1.
    pub depth: Option<Expr<'q>>,
    /// Default direction.
    pub direction: Direction,
    /// Start vertex.
    pub start: Expr<'q>,
    /// The edges followed.
    pub graph: Graph<'q>,
    /// `PRUNE` condition.
    pub prune: Option<Prune<'q>>,
    /// `OPTIONS` object.
    pub options: Option<Expr<'q>>,
}

/// `PRUNE [name =] condition`.
#[derive(Clone, Debug, PartialEq)]
pub struct Prune<'q> {
    /// The variable that keeps the condition's value.
    pub variable: Option<VarId>,
    /// The condition.
    pub condition: Expr<'q>,
}

/// Which path search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// `SHORTEST_PATH`: binds vertex and edge.
    Shortest,
    /// `ALL_SHORTEST_PATHS`: binds a path.
    AllShortest,
    /// `K_SHORTEST_PATHS`: binds a path.
    KShortest,
    /// `K_PATHS`: binds a path.
    KPaths,
}

/// `FOR … IN [depth] direction SHORTEST_PATH start TO target graph [OPTIONS {…}]` and its relatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Paths<'q> {
    /// Which search.
    pub kind: PathKind,
    /// First variable: the vertex for [`PathKind::Shortest`], else the path.
    pub first: VarId,
    /// The edge variable of [`PathKind::Shortest`].
    pub edge: Option<VarId>,
    /// Depth, for [`PathKind::KPaths`] only.
    pub depth: Option<Expr<'q>>,
    /// Default direction.
    pub direction: Direction,
    /// Where the paths begin.
    pub start: Expr<'q>,
    /// Where they end.
    pub target: Expr<'q>,
    /// The edges followed.
    pub graph: Graph<'q>,
    /// `OPTIONS` object.
    pub options: Option<Expr<'q>>,
}

/// One assignment of a `LET`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment<'q> {
    /// The variable or pattern.
    pub target: Pattern<'q>,
    /// Its value.
    pub value: Expr<'q>,
}

/// `expr [direction]`.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey<'q> {
    /// What is sorted by.
    pub expr: Expr<'q>,
    /// The direction; it may be data.
    pub direction: SortDirection<'q>,
}

/// The direction of a sort key.
#[derive(Clone, Debug, PartialEq)]
pub enum SortDirection<'q> {
    /// `ASC`, or nothing.
    Ascending,
    /// `DESC`.
    Descending,
    /// A literal or a bind parameter decides.
    Dynamic(Box<Expr<'q>>),
}

/// `LIMIT [offset,] count`.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit<'q> {
    /// Rows skipped.
    pub offset: Option<Expr<'q>>,
    /// Rows kept.
    pub count: Expr<'q>,
}

/// `name = expr` of a `COLLECT`.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<'q> {
    /// The variable that it makes.
    pub variable: VarId,
    /// Its value, evaluated before the groups are formed.
    pub expr: Expr<'q>,
}

/// `name = FUNCTION(args)` of an `AGGREGATE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate<'q> {
    /// The variable that it makes.
    pub variable: VarId,
    /// The aggregating function, upper-cased.
    pub function: Name<'q>,
    /// Its arguments; one, or none for `LENGTH` and `COUNT`.
    pub args: Vec<Expr<'q>>,
}

/// `COLLECT …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Collect<'q> {
    /// The grouping expressions.
    pub groups: Vec<Group<'q>>,
    /// The `AGGREGATE` part.
    pub aggregates: Vec<Aggregate<'q>>,
    /// `INTO …` or `WITH COUNT INTO …`.
    pub into: Option<CollectInto<'q>>,
    /// `OPTIONS` object.
    pub options: Option<Expr<'q>>,
}

/// What a `COLLECT` keeps of its rows.
#[derive(Clone, Debug, PartialEq)]
pub enum CollectInto<'q> {
    /// `INTO g [KEEP a, b]`: an array of objects with one attribute for each captured variable.
    Rows {
        /// The groups variable.
        variable: VarId,
        /// The captured variables: those of `KEEP`, else every variable that the `COLLECT` closes.
        captured: Vec<VarId>,
        /// Whether `KEEP` named them.
        keep: bool,
    },
    /// `INTO g = expr`.
    Projection {
        /// The groups variable.
        variable: VarId,
        /// What is kept of a row.
        expr: Expr<'q>,
    },
    /// `WITH COUNT INTO n`.
    Count {
        /// The counter variable.
        variable: VarId,
    },
}

/// `WINDOW [rangeValue WITH] {preceding: …, following: …} AGGREGATE …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Window<'q> {
    /// The range value; absent for row-based windows.
    pub range: Option<Expr<'q>>,
    /// The bounds object.
    pub bounds: Expr<'q>,
    /// The aggregates.
    pub aggregates: Vec<Aggregate<'q>>,
}

/// `INSERT document INTO target [OPTIONS {…}]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert<'q> {
    /// The document.
    pub document: Expr<'q>,
    /// The collection.
    pub target: SourceRef<'q>,
    /// `OPTIONS` object.
    pub options: Option<Expr<'q>>,
    /// `OLD`, visible afterwards (only with an overwriting mode does it hold a document).
    pub old: VarId,
    /// `NEW`, visible afterwards.
    pub new: VarId,
}

/// `UPDATE`/`REPLACE key [WITH document] IN target [OPTIONS {…}]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Update<'q> {
    /// `true` for `REPLACE`.
    pub replace: bool,
    /// The key, or the document that holds the key and the changes.
    pub key: Expr<'q>,
    /// The document after `WITH`.
    pub document: Option<Expr<'q>>,
    /// The collection.
    pub target: SourceRef<'q>,
    /// `OPTIONS` object.
    pub options: Option<Expr<'q>>,
    /// `OLD`, visible afterwards.
    pub old: VarId,
    /// `NEW`, visible afterwards.
    pub new: VarId,
}

/// `REMOVE key IN target [OPTIONS {…}]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Remove<'q> {
    /// The key, or a document that holds it.
    pub key: Expr<'q>,
    /// The collection.
    pub target: SourceRef<'q>,
    /// `OPTIONS` object.
    pub options: Option<Expr<'q>>,
    /// `OLD`, visible afterwards.
    pub old: VarId,
}

/// How `UPSERT` finds the document.
#[derive(Clone, Debug, PartialEq)]
pub enum UpsertLookup<'q> {
    /// `UPSERT {example}` or `UPSERT @example`.
    Example(Expr<'q>),
    /// `UPSERT FILTER condition` (3.12): `current` is the candidate.
    Filter {
        /// The candidate document.
        current: VarId,
        /// The condition.
        condition: Expr<'q>,
    },
}

/// `UPSERT lookup INSERT document UPDATE|REPLACE document IN target [OPTIONS {…}]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Upsert<'q> {
    /// How the document is found.
    pub lookup: UpsertLookup<'q>,
    /// What is inserted when there is none.
    pub insert: Expr<'q>,
    /// Whether an existing one is replaced rather than updated.
    pub replace: bool,
    /// What an existing one is updated or replaced with.
    pub update: Expr<'q>,
    /// The collection.
    pub target: SourceRef<'q>,
    /// `OPTIONS` object.
    pub options: Option<Expr<'q>>,
    /// `OLD`, visible in `update` and afterwards.
    pub old: VarId,
    /// `NEW`, visible afterwards.
    pub new: VarId,
}

/// `RETURN [DISTINCT] expr`.
#[derive(Clone, Debug, PartialEq)]
pub struct Return<'q> {
    /// Whether duplicates are dropped.
    pub distinct: bool,
    /// What is returned.
    pub expr: Expr<'q>,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr<'q> {
    /// What it is.
    pub kind: ExprKind<'q>,
    /// Where it stands; enclosing parentheses not included.
    pub span: Span,
}

/// The expressions of AQL.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind<'q> {
    /// `null`, and numbers out of range.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer within 64 bits.
    Int(i64),
    /// Any other number.
    Double(f64),
    /// A string, decoded.
    String(Cow<'q, str>),
    /// A variable.
    Variable(VarId),
    /// A collection or view by name.
    Source(Name<'q>),
    /// `@@x`: a collection or view by bind parameter.
    SourceBind(Bind<'q>),
    /// `@x`: a value.
    Bind(Bind<'q>),
    /// `[a, b]`.
    Array(Vec<Expr<'q>>),
    /// `{a: 1, [k]: 2, b}`.
    Object(Vec<Member<'q>>),
    /// `base.name`.
    Attribute {
        /// What holds the attribute.
        base: Box<Expr<'q>>,
        /// The attribute.
        name: Name<'q>,
    },
    /// `base.@x`: a string names an attribute, an array of strings a path.
    AttributeBind {
        /// What holds the attribute.
        base: Box<Expr<'q>>,
        /// The bind parameter.
        bind: Bind<'q>,
    },
    /// `base[index]`, literal strings included.
    Index {
        /// What is indexed.
        base: Box<Expr<'q>>,
        /// The subscript.
        index: Box<Expr<'q>>,
    },
    /// `base[* …]`.
    Expansion(Box<Expansion<'q>>),
    /// `base[? …]`.
    Question(Box<Question<'q>>),
    /// `-a`, `+a`, `!a`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// The operand.
        operand: Box<Expr<'q>>,
    },
    /// `a + b` and all other operators with two operands.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        left: Box<Expr<'q>>,
        /// Right operand.
        right: Box<Expr<'q>>,
    },
    /// `a ANY == b`.
    Quantified {
        /// Which elements must satisfy the comparison.
        quantifier: Quantifier<'q>,
        /// The comparison: `==`, `!=`, `<`, `<=`, `>`, `>=`, `IN` or `NOT IN`; from ArangoDB 4.0 also `LIKE`,
        /// `NOT LIKE`, `=~` and `!~`.
        op: BinaryOp,
        /// The array.
        left: Box<Expr<'q>>,
        /// What its elements are compared with.
        right: Box<Expr<'q>>,
    },
    /// `c ? a : b`; without `a`, `c ?: b`.
    Ternary {
        /// The condition.
        condition: Box<Expr<'q>>,
        /// The value when it holds; absent in the short form.
        then: Option<Box<Expr<'q>>>,
        /// The value when it does not.
        otherwise: Box<Expr<'q>>,
    },
    /// `a..b`.
    Range {
        /// First value.
        low: Box<Expr<'q>>,
        /// Last value.
        high: Box<Expr<'q>>,
    },
    /// `FUNCTION(a, b)`.
    Call {
        /// The function: upper-cased; a name with `::` is user-defined.
        function: Name<'q>,
        /// The arguments; a bare query is an [`ExprKind::Subquery`].
        args: Vec<Expr<'q>>,
    },
    /// `(FOR … RETURN …)`.
    Subquery(Box<Block<'q>>),
}

/// One member of an object literal.
#[derive(Clone, Debug, PartialEq)]
pub struct Member<'q> {
    /// The key.
    pub key: MemberKey<'q>,
    /// The value; for the shorthand `{x}` the variable.
    pub value: Expr<'q>,
    /// Key and value.
    pub span: Span,
}

/// The key of an object member.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberKey<'q> {
    /// `name:`, `"name":` or the shorthand.
    Name(Name<'q>),
    /// `@x:`.
    Bind(Bind<'q>),
    /// `[expr]:`.
    Computed(Box<Expr<'q>>),
}

/// `base[*… FILTER … LIMIT … RETURN …]` with what follows the bracket.
///
/// As in ArangoDB's parser, suffixes after `[*]` belong to the elements: `a[*].b` maps `.b` over `a`, and in
/// `a[*].b[*].c` the second expansion is the first one's `element`. A further `[*]` takes the first one's whole `element`
/// as its base, so `a[*][*][*]` goes two levels deep, not three; and one with several stars takes the whole chain as its
/// base. Parentheses end a chain: `(a[*]).b` is an [`ExprKind::Attribute`] of the array.
///
/// ArangoDB evaluates a `projection` in place of `element`, so the parser refuses suffixes after `[* RETURN …]`: where there
/// is a projection, `element` is the variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Expansion<'q> {
    /// The array.
    pub base: Expr<'q>,
    /// How many stars: 1 maps, each further one flattens a level.
    pub levels: u32,
    /// `CURRENT` inside of the brackets.
    pub current: VarId,
    /// Inline `FILTER`.
    pub filter: Option<Expr<'q>>,
    /// Inline `LIMIT`.
    pub limit: Option<Limit<'q>>,
    /// Inline `RETURN`.
    pub projection: Option<Expr<'q>>,
    /// What becomes of an element after the bracket: `CURRENT`, or a chain of suffixes on it.
    pub element: Expr<'q>,
}

/// `base[? quantifier FILTER condition]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Question<'q> {
    /// The array.
    pub base: Expr<'q>,
    /// How many question marks: each further one flattens a level.
    pub levels: u32,
    /// `CURRENT` inside of the brackets.
    pub current: VarId,
    /// How many elements must satisfy the condition; absent means at least one.
    pub quantifier: Option<Quantifier<'q>>,
    /// The condition; absent only in `base[?]`.
    pub filter: Option<Expr<'q>>,
}

/// How many elements of an array a condition must hold for.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantifier<'q> {
    /// `ALL`.
    All,
    /// `ANY`.
    Any,
    /// `NONE`.
    None,
    /// `AT LEAST (n)`.
    AtLeast(Box<Expr<'q>>),
    /// A number or range (question-mark operator only).
    Count(Box<Expr<'q>>),
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `+`.
    Plus,
    /// `-`.
    Minus,
    /// `!`, `NOT`.
    Not,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `OR`, `||`.
    Or,
    /// `AND`, `&&`.
    And,
    /// `==`.
    Eq,
    /// `!=`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
    /// `IN`.
    In,
    /// `NOT IN`.
    NotIn,
    /// `LIKE`, evaluated as a call of `LIKE`.
    Like,
    /// `NOT LIKE`.
    NotLike,
    /// `=~`, evaluated as a call of `REGEX_TEST`.
    Matches,
    /// `!~`.
    NotMatches,
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `%`.
    Mod,
}
