//! The types that functions give, so that their results can be written where a schema asks for a type.
//!
//! Facts: <https://docs.arangodb.com/3.12/aql/functions/>. A function that is not listed may give anything.

use crate::judge::value::{Types, Value};

/// The result of a function that read all its arguments.
pub(super) fn of<'a>(name: &str, arguments: &[Value<'a>]) -> Value<'a> {
    Value::Plain(match name {
        // Without a separator the value itself is the only element, whatever it is; with one, texts. Null comes of a
        // separator that is an object, of a limit that is no number, and of a regular expression that cannot be compiled,
        // which that of a text, quoted, is not. https://github.com/arangodb/arangodb `functions::Split`
        "SPLIT" if arguments.len() < 2 => return Value::list(Value::ANY),
        "SPLIT" if matches!(arguments, [_, separator] if separator.types().within(Types::STRING)) => {
            return Value::list(Value::Plain(Types::STRING));
        }
        // The third argument asks for an object with the time zone.
        "DATE_UTCTOLOCAL" | "DATE_LOCALTOUTC" if arguments.len() > 2 => Types::STRING.or(Types::OBJECT).or(Types::NULL),
        // A list of vectors or of values gives a list of numbers.
        "COSINE_SIMILARITY" | "L1_DISTANCE" | "L2_DISTANCE" | "DECAY_EXP" | "DECAY_GAUSS" | "DECAY_LINEAR" => {
            let number = Types::NUMBER.or(Types::NULL);
            return Value::union([Value::list(Value::Plain(number)), Value::Plain(number)]);
        }
        "UPPER"
        | "LOWER"
        | "TRIM"
        | "LTRIM"
        | "RTRIM"
        | "LEFT"
        | "RIGHT"
        | "SUBSTRING"
        | "TO_STRING"
        | "TO_BASE64"
        | "TO_HEX"
        | "ENCODE_URI_COMPONENT"
        | "MD5"
        | "SHA1"
        | "SHA256"
        | "SHA512"
        | "CRC32"
        | "FNV64"
        | "UUID"
        | "CONCAT_SEPARATOR"
        | "SOUNDEX" => Types::STRING,
        "SUBSTITUTE" | "DATE_ISO8601" | "DATE_FORMAT" | "DATE_ADD" | "DATE_SUBTRACT" | "DATE_TRUNC" | "DATE_ROUND"
        | "DATE_UTCTOLOCAL" | "DATE_LOCALTOUTC" | "RANDOM_TOKEN" | "JSON_STRINGIFY" | "REGEX_REPLACE" | "TO_CHAR"
        | "REPEAT" | "IPV4_FROM_NUMBER" => Types::STRING.or(Types::NULL),
        "DATE_NOW" | "CHAR_LENGTH" | "LEVENSHTEIN_DISTANCE" => Types::INTEGER,
        "COUNT_DISTINCT" | "COUNT_UNIQUE" | "DATE_YEAR" | "DATE_MONTH" | "DATE_DAY" | "DATE_HOUR" | "DATE_MINUTE"
        | "DATE_SECOND" | "DATE_MILLISECOND" | "DATE_DAYOFWEEK" | "DATE_DAYOFYEAR" | "DATE_ISOWEEK"
        | "DATE_QUARTER" | "DATE_DAYS_IN_MONTH" | "DATE_TIMESTAMP" | "FIND_FIRST" | "FIND_LAST" | "BIT_AND"
        | "BIT_OR" | "BIT_XOR" | "BIT_NEGATE" | "BIT_POPCOUNT" | "BIT_SHIFT_LEFT" | "BIT_SHIFT_RIGHT"
        | "IPV4_TO_NUMBER" => Types::INTEGER.or(Types::NULL),
        "PI" | "RAND" | "RANDOM" => Types::NUMBER,
        "ABS"
        | "SQRT"
        | "POW"
        | "EXP"
        | "EXP2"
        | "LOG"
        | "LOG2"
        | "LOG10"
        | "SIN"
        | "COS"
        | "TAN"
        | "ASIN"
        | "ACOS"
        | "ATAN"
        | "ATAN2"
        | "DEGREES"
        | "RADIANS"
        | "SUM"
        | "PRODUCT"
        | "AVERAGE"
        | "AVG"
        | "MEDIAN"
        | "PERCENTILE"
        | "VARIANCE"
        | "VARIANCE_POPULATION"
        | "VARIANCE_SAMPLE"
        | "STDDEV"
        | "STDDEV_POPULATION"
        | "STDDEV_SAMPLE"
        | "TO_NUMBER"
        | "DATE_DIFF"
        | "DISTANCE"
        | "GEO_DISTANCE"
        | "GEO_AREA"
        | "JACCARD" => Types::NUMBER.or(Types::NULL),
        "TO_BOOL" | "IS_DATESTRING" | "IS_KEY" | "IS_IPV4" => Types::BOOL,
        // Null where the expression cannot be compiled or gives up. https://github.com/arangodb/arangodb `functions::Like`
        "LIKE" => Types::BOOL.or(Types::NULL),
        "STARTS_WITH" | "CONTAINS" | "CONTAINS_ARRAY" | "POSITION" | "REGEX_TEST" | "IN_RANGE" | "GEO_CONTAINS"
        | "GEO_INTERSECTS" | "GEO_EQUALS" | "GEO_IN_RANGE" | "IS_IN_POLYGON" | "DATE_COMPARE" | "DATE_LEAPYEAR"
        | "BIT_TEST" | "MATCHES" | "LEVENSHTEIN_MATCH" | "MIN_MATCH" => return Value::ANY,
        "SPLIT" | "ATTRIBUTES" | "KEYS" | "REGEX_MATCHES" | "REGEX_SPLIT" => {
            return Value::union([Value::list(Value::Plain(Types::STRING)), Value::NULL]);
        }
        "RANGE" => return Value::union([Value::list(Value::Plain(Types::NUMBER)), Value::NULL]),
        "GEO_POINT"
        | "GEO_POLYGON"
        | "GEO_LINESTRING"
        | "GEO_MULTIPOINT"
        | "GEO_MULTIPOLYGON"
        | "GEO_MULTILINESTRING"
        | "ZIP" => Types::OBJECT.or(Types::NULL),
        _ => Types::ANY,
    })
}
