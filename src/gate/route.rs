//! ArangoDB's API as the gate serves it: each route with its class, and a refusal for everything else.
//!
//! INVARIANT: default deny. A path and method that no row names does not reach the database, whatever its version adds.
//! docs/routes.md holds these tables; a test keeps it true.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::headers::is_id;
use super::target::Target;
use super::upstream::Method;

/// What is done with a route's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The query is judged.
    Aql,
    /// Operation, collection and documents are judged; answers are reduced to readable attributes.
    Document,
    /// The answer is about allowed collections only.
    Metadata,
    /// Identity, version, time, transactions.
    Session,
    /// The gate answers itself.
    Own,
    /// Refused.
    Denied,
}

impl Class {
    /// Its name in the documentation, the audit log and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Aql => "aql",
            Document => "document",
            Metadata => "metadata",
            Session => "session",
            Own => "own",
            Class::Denied => "denied",
        }
    }
}

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is described by its row of the table")]
pub enum Call {
    CursorCreate,
    CursorNext,
    CursorDelete,
    Explain,
    ParseQuery,
    DocumentRead,
    DocumentInsert,
    DocumentReplace,
    DocumentUpdate,
    DocumentRemove,
    DocumentsReplace,
    DocumentsUpdate,
    DocumentsRemove,
    Edges,
    Import,
    TransactionBegin,
    TransactionList,
    TransactionStatus,
    CollectionList,
    CollectionInfo,
    CollectionRead,
    IndexList,
    IndexInfo,
    ViewList,
    ViewInfo,
    GraphList,
    GraphInfo,
    GraphCollections,
    GraphRead,
    GraphInsert,
    GraphChange,
    GraphRemove,
    AnalyzerList,
    DatabaseCurrent,
    DatabaseUser,
    KeyGenerators,
    Login,
    Renew,
    Version,
    Plain,
    ClusterEndpoints,
    Telemetrics,
    Health,
    Alive,
    Ready,
    Metrics,
}

/// One row: method, path, class, what is done.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path below `/_db/NAME`; names and ids in braces.
    pub path: &'static str,
    /// The class.
    pub class: Class,
    /// What it asks for.
    pub call: Call,
    /// What the gate does, for the documentation.
    pub what: &'static str,
}

const fn row(method: Method, path: &'static str, class: Class, call: Call, what: &'static str) -> Route {
    Route {
        method,
        path,
        class,
        call,
        what,
    }
}

use Call::*;
use Class::{Aql, Document, Metadata, Own, Session};
use Method::{Delete, Get, Head, Patch, Post, Put};

/// Every route that is served.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    row(Post, "/_api/cursor", Aql, CursorCreate, "query, bind values and options judged; limits written in"),
    row(Post, "/_api/cursor/{id}", Aql, CursorNext, "the cursor must be the user's own"),
    row(Put, "/_api/cursor/{id}", Aql, CursorNext, "the same; sent on as `POST`"),
    row(Post, "/_api/cursor/{id}/{batch}", Aql, CursorNext, "the same, for drivers that may repeat a batch"),
    row(Delete, "/_api/cursor/{id}", Aql, CursorDelete, "the cursor must be the user's own"),
    row(Post, "/_api/explain", Aql, Explain, "judged as if it ran; the plan is cut where attributes are hidden"),
    row(Post, "/_api/query", Aql, ParseQuery, "judged without bind values"),
    row(Get, "/_api/document/{collection}/{key}", Document, DocumentRead, "reduced to readable attributes"),
    row(Head, "/_api/document/{collection}/{key}", Document, DocumentRead, "whether it is there; needs `read`"),
    row(Post, "/_api/document/{collection}", Document, DocumentInsert, "one document or an array; `overwriteMode` counts as what it does"),
    row(Put, "/_api/document/{collection}/{key}", Document, DocumentReplace, "validated against the schema"),
    row(Patch, "/_api/document/{collection}/{key}", Document, DocumentUpdate, "validated against the schema"),
    row(Delete, "/_api/document/{collection}/{key}", Document, DocumentRemove, "needs `remove`"),
    row(Put, "/_api/document/{collection}", Document, DocumentsReplace, "an array of documents with `_key`; with `onlyget` a read"),
    row(Patch, "/_api/document/{collection}", Document, DocumentsUpdate, "an array of documents with `_key`"),
    row(Delete, "/_api/document/{collection}", Document, DocumentsRemove, "an array of keys, ids or objects with them"),
    row(Get, "/_api/edges/{collection}", Document, Edges, "edges of one vertex, reduced to readable attributes"),
    row(Post, "/_api/import", Document, Import, "read completely, judged, and sent on as one JSON array"),
    row(Get, "/_api/collection", Metadata, CollectionList, "allowed collections only"),
    row(Get, "/_api/collection/{collection}", Metadata, CollectionInfo, "of an allowed collection"),
    row(Get, "/_api/collection/{collection}/properties", Metadata, CollectionInfo, "without `schema` and `computedValues`"),
    row(Get, "/_api/collection/{collection}/count", Metadata, CollectionRead, "needs `read`"),
    row(Get, "/_api/collection/{collection}/figures", Metadata, CollectionRead, "needs `read`; never with details, and no sizes where something is hidden"),
    row(Get, "/_api/collection/{collection}/revision", Metadata, CollectionRead, "needs `read`"),
    row(Get, "/_api/index", Metadata, IndexList, "of an allowed collection; indexes on hidden attributes left out"),
    row(Get, "/_api/index/{collection}/{index}", Metadata, IndexInfo, "the same"),
    row(Get, "/_api/view", Metadata, ViewList, "allowed views only"),
    row(Get, "/_api/view/{view}", Metadata, ViewInfo, "of an allowed view"),
    row(Get, "/_api/gharial", Metadata, GraphList, "allowed graphs only, and in them the allowed collections"),
    row(Get, "/_api/gharial/{graph}", Metadata, GraphInfo, "of an allowed graph; the allowed collections in it"),
    row(Get, "/_api/gharial/{graph}/vertex", Metadata, GraphCollections, "allowed collections of an allowed graph"),
    row(Get, "/_api/gharial/{graph}/edge", Metadata, GraphCollections, "the same"),
    row(Post, "/_api/gharial/{graph}/vertex/{collection}", Document, GraphInsert, "a vertex, as a document of its collection"),
    row(Get, "/_api/gharial/{graph}/vertex/{collection}/{key}", Document, GraphRead, "the same"),
    row(Head, "/_api/gharial/{graph}/vertex/{collection}/{key}", Document, GraphRead, "whether it is there"),
    row(Put, "/_api/gharial/{graph}/vertex/{collection}/{key}", Document, GraphChange, "the same"),
    row(Patch, "/_api/gharial/{graph}/vertex/{collection}/{key}", Document, GraphChange, "the same"),
    row(Delete, "/_api/gharial/{graph}/vertex/{collection}/{key}", Document, GraphRemove, "needs `remove` on every edge collection that may lose edges with it"),
    row(Post, "/_api/gharial/{graph}/edge/{collection}", Document, GraphInsert, "an edge; needs `read` on its ends, whose existence the answer tells"),
    row(Get, "/_api/gharial/{graph}/edge/{collection}/{key}", Document, GraphRead, "an edge, as a document of its collection"),
    row(Head, "/_api/gharial/{graph}/edge/{collection}/{key}", Document, GraphRead, "whether it is there"),
    row(Put, "/_api/gharial/{graph}/edge/{collection}/{key}", Document, GraphChange, "needs `read` on its ends"),
    row(Patch, "/_api/gharial/{graph}/edge/{collection}/{key}", Document, GraphChange, "needs `read` on its ends"),
    row(Delete, "/_api/gharial/{graph}/edge/{collection}/{key}", Document, GraphRemove, "as for a vertex"),
    row(Get, "/_api/analyzer", Metadata, AnalyzerList, "names, types and features; no properties"),
    row(Get, "/_api/database/current", Metadata, DatabaseCurrent, "without the path on the server's disk"),
    row(Get, "/_api/database/user", Metadata, DatabaseUser, "served databases only"),
    row(Get, "/_api/key-generators", Metadata, KeyGenerators, "passed on"),
    row(Post, "/_open/auth", Session, Login, "login; `root` refused; guesses slowed down"),
    row(Post, "/_open/auth/renew", Session, Renew, "a new token for an old one"),
    row(Get, "/_api/version", Session, Version, "of the details only `role` and `mode`"),
    row(Get, "/_admin/version", Session, Version, "the same"),
    row(Get, "/_admin/time", Session, Plain, "passed on"),
    row(Get, "/_admin/server/availability", Session, Plain, "asked for without a database; needs no credentials"),
    row(Get, "/_admin/server/role", Session, Plain, "passed on"),
    row(Get, "/_admin/server/mode", Session, Plain, "passed on"),
    row(Post, "/_api/transaction/begin", Session, TransactionBegin, "the declared collections are judged; no exclusive locks"),
    row(Get, "/_api/transaction", Session, TransactionList, "the user's own"),
    row(Get, "/_api/transaction/{id}", Session, TransactionStatus, "the transaction must be the user's own"),
    row(Put, "/_api/transaction/{id}", Session, TransactionStatus, "commit; the same"),
    row(Delete, "/_api/transaction/{id}", Session, TransactionStatus, "abort; the same"),
    row(Get, "/_api/cluster/endpoints", Own, ClusterEndpoints, "501, as a single server says: no address leads around the gate"),
    row(Get, "/_admin/telemetrics", Own, Telemetrics, "403 with errorNum 403, which ends arangosh's polling"),
    row(Get, "/health", Own, Health, "200 healthy, 503 not; why, and which schema set is in force"),
    row(Get, "/livez", Own, Alive, "200 while the gate answers"),
    row(Get, "/readyz", Own, Ready, "200 when requests would reach a ready database"),
    row(Get, "/metrics", Own, Metrics, "Prometheus text"),
];

/// Families of routes that are refused, the longest prefix first where several fit: prefix and why.
#[rustfmt::skip]
pub const REFUSED: &[(&str, &str)] = &[
    ("/_api/cursor", "cursors are served by their number only, and execution plans are not run"),
    ("/_api/query-cache", "it holds other clients' queries"),
    ("/_api/query-plan-cache", "it holds other clients' queries"),
    ("/_api/query", "running and slow queries are other clients' too"),
    ("/_api/aqlfunction", "user-defined functions are code"),
    ("/_api/aql", "it is internal to a cluster"),
    ("/_api/document", "documents are served by collection and key in the path"),
    ("/_api/export", "it copies whole collections"),
    ("/_api/simple", "simple queries are not judged; use AQL"),
    ("/_api/batch", "a batch hides requests"),
    ("/_api/traversal", "it runs code"),
    ("/_api/control_pregel", "it reads and writes whole graphs"),
    ("/_api/dump", "it copies whole collections"),
    ("/_api/gharial", "graph definitions are not changed through the gate; the schema set provisions them"),
    ("/_api/collection", "collections are not changed through the gate; the schema set provisions them"),
    ("/_api/index", "indexes are not changed through the gate; the schema set provisions them"),
    ("/_api/view", "views are not changed through the gate; the schema set provisions them"),
    ("/_api/analyzer", "analyzers are not changed through the gate"),
    ("/_api/database", "databases are not managed through the gate"),
    ("/_api/transaction", "JavaScript transactions are code, and other clients' transactions are not touched"),
    ("/_api/job", "results of asynchronous requests would pass the gate unseen"),
    ("/_api/user", "users are not managed through the gate"),
    ("/_api/token", "access tokens are not managed through the gate"),
    ("/_api/tasks", "tasks are code"),
    ("/_api/foxx", "Foxx services are code"),
    ("/_api/upload", "it writes files on the server"),
    ("/_api/replication", "it copies or replaces whole databases"),
    ("/_api/wal", "it shows every change"),
    ("/_api/agency", "it is internal to a cluster"),
    ("/_api/cluster", "it is internal to a cluster"),
    ("/_api", "the gate does not serve it"),
    ("/_admin/aardvark", "the web interface is not served"),
    ("/_admin/html", "the web interface is not served"),
    ("/_admin/execute", "it runs code"),
    ("/_admin/backup", "it copies everything"),
    ("/_admin", "the server is not administered through the gate"),
    ("/_open", "it would run without authentication"),
    ("/_internal", "it is internal to a cluster"),
    ("/_arango", "versioned prefixes would open every other route again"),
    ("/_db", "a database prefix is `/_db/NAME/` once, followed by a route"),
    ("", "Foxx services and the web interface are not served"),
];

/// A route with the names and ids of its path, in order.
#[derive(Debug)]
pub struct Found<'t> {
    /// The row.
    pub route: &'static Route,
    /// What stands for its braces.
    pub names: Vec<&'t str>,
}

enum Piece {
    Word(&'static str),
    Name,
    Id,
}

static PIECES: LazyLock<Vec<(Vec<Piece>, &'static Route)>> = LazyLock::new(|| {
    ROUTES
        .iter()
        .map(|route| {
            let pieces = route.path[1..].split('/').map(|piece| match piece {
                "{id}" | "{batch}" => Piece::Id,
                _ if piece.starts_with('{') => Piece::Name,
                word => Piece::Word(word),
            });
            (pieces.collect(), route)
        })
        .collect()
});

/// Finds the route of a request. Words match on undecoded text, as arangod's do; names are decoded.
pub fn find(method: Method, target: &Target) -> Option<Found<'_>> {
    PIECES.iter().find_map(|(pieces, route)| {
        if route.method != method || pieces.len() != target.segments.len() {
            return None;
        }
        let mut names = Vec::new();
        for (piece, segment) in pieces.iter().zip(&target.segments) {
            match piece {
                Piece::Word(word) => {
                    if segment.word() != Some(word) {
                        return None;
                    }
                }
                Piece::Id => names.push(segment.word().filter(|text| is_id(text))?),
                Piece::Name if segment.name().is_empty() => return None,
                Piece::Name => names.push(segment.name()),
            }
        }
        Some(Found { route, names })
    })
}

/// Why a path that has no route is refused.
pub fn refusal_reason(target: &Target) -> &'static str {
    let path = target.segments.iter().fold(String::new(), |mut path, segment| {
        path.push('/');
        path.push_str(segment.name());
        path
    });
    REFUSED
        .iter()
        .find(|(prefix, _)| {
            path.strip_prefix(prefix)
                .is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('/'))
        })
        .map_or("the gate does not serve it", |(_, why)| why)
}

/// The tables of docs/routes.md.
pub fn documentation() -> String {
    let mut text = String::from("| method | path | class | what the gate does |\n| --- | --- | --- | --- |\n");
    for route in ROUTES {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} |",
            route.method.name(),
            route.path,
            route.class.name(),
            route.what
        );
    }
    text.push_str("\n| refused | because |\n| --- | --- |\n");
    for (prefix, why) in REFUSED {
        let name = if prefix.is_empty() {
            "anything else".to_owned()
        } else {
            format!("`{prefix}`")
        };
        let _ = writeln!(text, "| {name} | {why} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: Method, target: &str) -> Option<Call> {
        let target = Target::parse(target).ok()?;
        find(method, &target).map(|found| found.route.call)
    }

    #[test]
    fn routes_are_found_below_a_database_and_without() {
        assert_eq!(call(Post, "/_api/cursor"), Some(CursorCreate));
        assert_eq!(call(Post, "/_db/shop/_api/cursor"), Some(CursorCreate));
        assert_eq!(call(Post, "/_api/cursor/123/4"), Some(CursorNext));
        assert_eq!(call(Get, "/_api/document/Stra%C3%9Fe/a%25b"), Some(DocumentRead));
    }

    #[test]
    fn everything_else_is_refused() {
        for (method, target) in [
            (Post, "/_api/cursor/json"),
            (Post, "/_api/cursor/123abc"),
            (Post, "/_api/cursor/+123"),
            (Post, "/_api/cursor/%31%32%33"),
            (Post, "/_api/cursor/6%6Ason"),
            (Post, "/_api/%63ursor"),
            (Post, "/_api/CURSOR"),
            (Post, "/_api/cursor/"),
            (Get, "/%5fadmin/echo"),
            (Get, "/%5fdb/other/_api/version"),
            (Get, "/_DB/other/_api/version"),
            (Post, "/_db/a/_db/b/_api/cursor"),
            (Get, "/_db/mydb"),
            (Get, "/_db/mydb/"),
            (Get, "/_db/"),
            (Post, "/_api/document"),
            (Get, "/_api/document/episodes/k/extra"),
            (Get, "/"),
            (Get, "/index.html"),
            (Post, "/_open/anything"),
            (Post, "/_open/auth/renew/x"),
            (Get, "/_admin/aardvark/whoAmI"),
            (Get, "/_admin/job/1"),
            (Post, "/_arango/v0/_api/cursor"),
            (Get, "/_api/database/current/"),
            (Get, "/_api/database/%63urrent"),
            (Get, "/_api/database/shardStatistics"),
            (Delete, "/_api/transaction/write"),
            (Delete, "/_api/transaction/begin"),
            (Get, "/_api/transaction/history"),
            (Post, "/_api/transaction"),
            (Post, "/_api/transaction/"),
            (Post, "/_api/transaction/BEGIN"),
            (Post, "/_api/transaction/%62egin"),
            (Get, "/_api/query/current"),
            (Delete, "/_api/query/1"),
            (Post, "/_api/explain/x"),
            (Put, "/_api/collection/c/%74runcate"),
            (Put, "/_api/collection/c/truncate"),
            (Get, "/_api/collection/c/%63hecksum"),
            (Get, "/_api/collection/c/checksum"),
            (Delete, "/_api/collection/c"),
            (Post, "/_api/index/sync-caches"),
            (Get, "/_api/index/selectivity"),
            (Post, "/_api/gharial/g/vertex"),
            (Delete, "/_api/gharial/g/%76ertex/v/k"),
            (Put, "/_api/simple/all"),
            (Post, "/_api/edges/e"),
            (Get, "/_api/user"),
        ] {
            assert_eq!(call(method, target), None, "{} {target}", method.name());
            let parsed = Target::parse(target).unwrap();
            assert!(!refusal_reason(&parsed).is_empty());
        }
    }

    #[test]
    fn the_documentation_is_this_table() {
        let page = include_str!("../../docs/routes.md");
        assert!(
            page.contains(&documentation()),
            "docs/routes.md is out of date; its tables should be:\n{}",
            documentation()
        );
    }
}
