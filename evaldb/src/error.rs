//! ArangoDB's errors: number, HTTP status and message.

/// An error as ArangoDB reports it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ArangoError {
    /// ArangoDB's error number.
    pub num: u32,
    /// The message, in ArangoDB's wording where programs look at it.
    pub message: String,
}

/// What the evaluation database returns.
pub type Result<T> = std::result::Result<T, ArangoError>;

impl ArangoError {
    /// An error with its number and message.
    pub fn new(num: u32, message: impl Into<String>) -> Self {
        Self {
            num,
            message: message.into(),
        }
    }

    /// The HTTP status that ArangoDB answers this error with; numbers without an entry in its mapping give 500.
    pub fn code(&self) -> u16 {
        match self.num {
            10
            | 17
            | 400
            | 600
            | 1204
            | 1205
            | 1208
            | 1213
            | 1214
            | 1216
            | 1218
            | 1221
            | 1222
            | 1226
            | 1227
            | 1229
            | 1233
            | 1237
            | 1501..=1504
            | 1510..=1512
            | 1521
            | 1522
            | 1524
            | 1539..=1543
            | 1550..=1553
            | 1561..=1563
            | 1569
            | 1573
            | 1575
            | 1578..=1581
            | 1592
            | 1620
            | 1621
            | 1651..=1653
            | 1700
            | 1939 => 400,
            401 => 401,
            11 | 403 | 1004 | 1230 => 403,
            404 | 1202 | 1203 | 1212 | 1228 | 1570 | 1571 | 1582 | 1591 | 1600 | 1655 | 1703 | 1924 | 1926 | 1930 => {
                404
            }
            405 => 405,
            1200 | 1207 | 1210 | 1601 | 1702 | 1925 | 1921 => 409,
            21 | 410 | 1500 | 1654 => 410,
            412 | 21004 => 412,
            9 | 31 => 501,
            30 | 38 | 503 | 1478 | 1496 | 21003 => 503,
            _ => 500,
        }
    }

    pub(crate) fn collection_not_found(name: &str) -> Self {
        Self::new(1203, format!("collection or view not found: {name}"))
    }

    pub(crate) fn document_not_found() -> Self {
        Self::new(1202, "document not found")
    }

    pub(crate) fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new(10, message)
    }

    pub(crate) fn not_implemented(what: impl std::fmt::Display) -> Self {
        Self::new(9, format!("not implemented in the evaluation database: {what}"))
    }
}
