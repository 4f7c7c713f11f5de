//! Which module answers which path.

use super::call::Call;
use super::*;

/// Finds the route by the path as it came; names inside are decoded.
pub(super) fn dispatch(call: &Call) -> Outcome {
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
        _ => Err(Fault::unknown_path(&call.path)),
    }
}
