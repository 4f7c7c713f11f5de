//! Which module answers which path.

use super::call::Call;
use super::*;

/// Finds the route by the path as it came; names inside are decoded.
pub(super) fn dispatch(call: &Call) -> Outcome {
    if call
        .header("x-arango-async")
        .is_some_and(|value| value == "true" || value == "store")
    {
        return Err(Fault::new(
            501,
            9,
            "evaldb answers at once: there are no asynchronous jobs",
        ));
    }
    let mut fixed = call.path.split('/').filter(|segment| !segment.is_empty());
    match (fixed.next(), fixed.next()) {
        (Some("_api" | "_admin"), Some("version")) => session::version(call),
        (Some("_open"), Some("auth")) => session::open_auth(call),
        (Some("_admin"), Some("server")) => admin::server(call),
        (Some("_admin"), Some("status")) => admin::status(call),
        (Some("_admin"), Some("time")) => admin::time(call),
        (Some("_admin"), Some("shutdown")) => admin::shutdown(call),
        (Some("_admin"), Some("options")) => admin::options(call),
        (Some("_admin"), Some("license")) => admin::license(call),
        (Some("_api"), Some("engine")) => admin::engine(call),
        (Some("_api"), Some("cluster")) => {
            Err(Fault::new(501, 9, "this operation is not supported on a single server"))
        }
        (Some("_api"), Some("database")) => database::handle(call),
        (Some("_api"), Some("user")) => user::handle(call),
        (Some("_api"), Some("collection")) => collection::handle(call),
        (Some("_api"), Some("document")) => document::handle(call),
        (Some("_api"), Some("index")) => index::handle(call),
        (Some("_api"), Some("cursor")) => cursor::handle(call),
        (Some("_api"), Some("query")) => query::handle(call),
        (Some("_api"), Some("explain")) => plan::explain(call),
        (Some("_api"), Some("transaction")) => transaction::handle(call),
        (Some("_api"), Some("gharial")) => graph::handle(call),
        (Some("_api"), Some("edges")) => graph::edges(call),
        (Some("_api"), Some("view")) => view::handle(call),
        (Some("_api"), Some("analyzer")) => view::analyzers(call),
        (Some("_api"), Some("import")) => import::handle(call),
        _ => Err(Fault::unknown_path(&call.path)),
    }
}
