//! Every built-in function, by name. INVARIANT: sorted, so that a lookup can halve.
//!
//! From `AqlFunctionFeature.cpp`, `IResearchFeature.cpp` and `IResearchAnalyzerFeature.cpp` of ArangoDB 3.11 to 3.12,
//! checked against the function pages of its manual.

use super::{Function, MANY, Release, dangerous, data, geo, info, internal, pure, search};

#[rustfmt::skip] // one function a line
pub(super) static TABLE: [Function; 266] = [
    pure("ABS", 1, 1),
    pure("ACOS", 1, 1),
    search("ANALYZER", 2, 2)
        .note("identity outside SEARCH; arg2 names a stored analyzer"),
    pure("APPEND", 2, 3)
        .note("whole values pass through"),
    dangerous("APPLY", 1, 2).reading().varying()
        .note("as CALL, arguments given as an array"),
    search("APPROX_NEAR_COSINE", 2, 3).since(Release::V3_12_4)
        .note("usable only with a vector index on the attribute argument; registered only when the vector-index server option is on"),
    search("APPROX_NEAR_INNER_PRODUCT", 2, 3).since(Release::V3_12_6)
        .note("usable only with a vector index on the attribute argument; registered only when the vector-index server option is on"),
    search("APPROX_NEAR_L2", 2, 3).since(Release::V3_12_4)
        .note("usable only with a vector index on the attribute argument; registered only when the vector-index server option is on"),
    pure("ASIN", 1, 1),
    dangerous("ASSERT", 2, 2).varying()
        .note("aborts with caller-supplied message when arg1 is false: exfiltration and oracle channel"),
    pure("ATAN", 1, 1),
    pure("ATAN2", 2, 2),
    pure("ATTRIBUTES", 1, 3)
        .note("returns attribute names of a whole object"),
    pure("AVERAGE", 1, 1)
        .note("also an aggregator"),
    pure("AVG", 1, 1)
        .note("alias of AVERAGE; also an aggregator"),
    pure("BIT_AND", 1, 2)
        .note("also an aggregator"),
    pure("BIT_CONSTRUCT", 1, 1),
    pure("BIT_DECONSTRUCT", 1, 1),
    pure("BIT_FROM_STRING", 1, 1),
    pure("BIT_NEGATE", 2, 2),
    pure("BIT_OR", 1, 2)
        .note("also an aggregator"),
    pure("BIT_POPCOUNT", 1, 1),
    pure("BIT_SHIFT_LEFT", 3, 3),
    pure("BIT_SHIFT_RIGHT", 3, 3),
    pure("BIT_TEST", 2, 2),
    pure("BIT_TO_STRING", 2, 2),
    pure("BIT_XOR", 1, 2)
        .note("also an aggregator"),
    search("BM25", 1, MANY)
        .note("arg1 must be the loop variable of a view FOR; counts as a use of the match score, not of the document body"),
    search("BOOST", 2, 2)
        .note("identity outside SEARCH"),
    dangerous("CALL", 1, MANY).reading().varying()
        .note("arg1 is a function NAME computed at run time; reaches built-ins and UDFs; never provable unless arg1 is a literal that itself passes policy"),
    pure("CEIL", 1, 1),
    pure("CHAR_LENGTH", 1, 1),
    pure("CHECK_DOCUMENT", 1, 1).varying()
        .note("inspects a whole object; returns only a boolean"),
    info("COLLECTIONS", 0, 0).reading().varying()
        .note("lists names and ids of every collection the database user may read"),
    data("COLLECTION_COUNT", 1, 1).reading().varying()
        .note("number of documents; string argument may be computed at run time"),
    pure("CONCAT", 1, MANY)
        .note("non-string arguments are stringified as whole values; can build ids, names, attribute names"),
    pure("CONCAT_SEPARATOR", 2, MANY)
        .note("as CONCAT"),
    pure("CONTAINS", 2, 3)
        .note("stringifies both; usable as content oracle"),
    pure("CONTAINS_ARRAY", 2, 3)
        .note("alias of POSITION; compares whole values"),
    pure("COS", 1, 1),
    pure("COSINE_SIMILARITY", 2, 2),
    pure("COUNT", 1, 1).reading()
        .note("alias of LENGTH (same collection special case); also an aggregator (the only one that may be called with zero arguments in AGGREGATE, together with LENGTH)"),
    pure("COUNT_DISTINCT", 1, 1)
        .note("also an aggregator"),
    pure("COUNT_UNIQUE", 1, 1)
        .note("alias of COUNT_DISTINCT; also an aggregator"),
    pure("CRC32", 1, 1)
        .note("stringifies a whole value; equality oracle"),
    info("CURRENT_DATABASE", 0, 0),
    info("CURRENT_USER", 0, 0),
    pure("DATE_ADD", 2, 4).at_most_in_3_11(3),
    pure("DATE_COMPARE", 3, 6).at_most_in_3_11(4),
    pure("DATE_DAY", 1, 2).at_most_in_3_11(1),
    pure("DATE_DAYOFWEEK", 1, 2).at_most_in_3_11(1),
    pure("DATE_DAYOFYEAR", 1, 2).at_most_in_3_11(1),
    pure("DATE_DAYS_IN_MONTH", 1, 2).at_most_in_3_11(1),
    pure("DATE_DIFF", 3, 6).at_most_in_3_11(4),
    pure("DATE_FORMAT", 2, 3).at_most_in_3_11(2),
    pure("DATE_HOUR", 1, 2).at_most_in_3_11(1),
    pure("DATE_ISO8601", 1, 7),
    pure("DATE_ISOWEEK", 1, 2).at_most_in_3_11(1),
    pure("DATE_ISOWEEKYEAR", 1, 2).at_most_in_3_11(1),
    pure("DATE_LEAPYEAR", 1, 2).at_most_in_3_11(1),
    pure("DATE_LOCALTOUTC", 2, 3),
    pure("DATE_MILLISECOND", 1, 1),
    pure("DATE_MINUTE", 1, 2).at_most_in_3_11(1),
    pure("DATE_MONTH", 1, 2).at_most_in_3_11(1),
    pure("DATE_NOW", 0, 0)
        .note("flagged deterministic (fixed within one query) but not cacheable"),
    pure("DATE_QUARTER", 1, 2).at_most_in_3_11(1),
    pure("DATE_ROUND", 3, 4).at_most_in_3_11(3),
    pure("DATE_SECOND", 1, 1),
    pure("DATE_SUBTRACT", 2, 4).at_most_in_3_11(3),
    pure("DATE_TIMESTAMP", 1, 7),
    info("DATE_TIMEZONE", 0, 0)
        .note("time zone configured on the server host"),
    pure("DATE_TIMEZONES", 0, 0)
        .note("constant list of zone names"),
    pure("DATE_TRUNC", 2, 3).at_most_in_3_11(2),
    pure("DATE_UTCTOLOCAL", 2, 3),
    pure("DATE_YEAR", 1, 2).at_most_in_3_11(1),
    pure("DECAY_EXP", 5, 5),
    pure("DECAY_GAUSS", 5, 5),
    pure("DECAY_LINEAR", 5, 5),
    pure("DECODE_REV", 1, 1)
        .note("reveals write time hidden in _rev"),
    pure("DEGREES", 1, 1),
    geo("DISTANCE", 4, 4),
    data("DOCUMENT", 1, 2).reading().varying()
        .note("reads whole documents of any collection the database user may read; an empty-string collection means: take it from the id"),
    pure("ENCODE_URI_COMPONENT", 1, 1)
        .note("stringifies"),
    pure("ENTRIES", 1, 1).since(Release::V3_12_1)
        .note("returns all [name, value] pairs of a whole object"),
    search("EXISTS", 1, 3)
        .note("SEARCH only; attribute existence/type oracle; arg2 'analyzer' form takes an analyzer name"),
    pure("EXP", 1, 1),
    pure("EXP2", 1, 1),
    dangerous("FAIL", 0, 1).varying()
        .note("aborts the query; argument text is returned in the error: exfiltration and oracle channel"),
    pure("FIND_FIRST", 2, 4),
    pure("FIND_LAST", 2, 4),
    pure("FIRST", 1, 1)
        .note("returns an element unchanged"),
    pure("FIRST_DOCUMENT", 1, MANY)
        .note("returns an argument unchanged"),
    pure("FIRST_LIST", 1, MANY)
        .note("returns an argument unchanged"),
    pure("FLATTEN", 1, 2)
        .note("whole values pass through"),
    pure("FLOOR", 1, 1),
    pure("FNV64", 1, 1)
        .note("stringifies a whole value; equality oracle"),
    data("FULLTEXT", 3, 4).reading()
        .note("whole documents matched through a fulltext index on the attribute named in arg2"),
    geo("GEO_AREA", 1, 2),
    geo("GEO_CONTAINS", 2, 2)
        .note("SEARCH-capable"),
    geo("GEO_DISTANCE", 2, 3)
        .note("SEARCH-capable"),
    geo("GEO_EQUALS", 2, 2),
    geo("GEO_INTERSECTS", 2, 2)
        .note("SEARCH-capable"),
    geo("GEO_IN_RANGE", 4, 7)
        .note("SEARCH-capable"),
    geo("GEO_LINESTRING", 1, 1),
    geo("GEO_MULTILINESTRING", 1, 1),
    geo("GEO_MULTIPOINT", 1, 1),
    geo("GEO_MULTIPOLYGON", 1, 1),
    geo("GEO_POINT", 2, 3).at_most_in_3_11(2)
        .note("third argument only from 3.11.14-2 / 3.12.6; before that exactly 2"),
    geo("GEO_POLYGON", 1, 1),
    pure("HAS", 2, 2)
        .note("dynamic attribute name in arg2; existence oracle"),
    pure("HASH", 1, 1)
        .note("hashes a whole value of any type; equality oracle"),
    pure("INTERLEAVE", 2, MANY)
        .note("whole values pass through"),
    internal("INTERNAL", 0, 0).varying()
        .note("internal test stub"),
    pure("INTERSECTION", 2, MANY)
        .note("whole values pass through"),
    search("IN_RANGE", 5, 5)
        .note("SEARCH-capable"),
    pure("IPV4_FROM_NUMBER", 1, 1),
    pure("IPV4_TO_NUMBER", 1, 1),
    pure("IS_ARRAY", 1, 1),
    pure("IS_BOOL", 1, 1),
    pure("IS_DATESTRING", 1, 1),
    pure("IS_DOCUMENT", 1, 1)
        .note("alias of IS_OBJECT"),
    geo("IS_IN_POLYGON", 2, 3),
    pure("IS_IPV4", 1, 1),
    pure("IS_KEY", 1, 1),
    pure("IS_LIST", 1, 1)
        .note("alias of IS_ARRAY"),
    pure("IS_NULL", 1, 1),
    pure("IS_NUMBER", 1, 1),
    pure("IS_OBJECT", 1, 1),
    pure("IS_SAME_COLLECTION", 2, 2)
        .note("compares names only; reads _id of object arguments; does not open the collection"),
    pure("IS_STRING", 1, 1),
    pure("JACCARD", 2, 2),
    pure("JSON_PARSE", 1, 1)
        .note("turns text into objects; static attribute analysis ends here"),
    pure("JSON_STRINGIFY", 1, 1)
        .note("serialises a whole value"),
    pure("KEEP", 2, MANY)
        .note("returns only the named attributes; safe only when every name is a literal/known bind that is allowed"),
    pure("KEEP_RECURSIVE", 2, MANY)
        .note("keeps the named attributes at every nesting level, so a harmless name also selects deeper attributes"),
    pure("KEYS", 1, 3)
        .note("alias of ATTRIBUTES; returns attribute names of a whole object"),
    pure("L1_DISTANCE", 2, 2),
    pure("L2_DISTANCE", 2, 2),
    pure("LAST", 1, 1)
        .note("returns an element unchanged"),
    pure("LEFT", 2, 2)
        .note("stringifies"),
    pure("LENGTH", 1, 1).reading()
        .note("on a bare collection it is rewritten to COLLECTION_COUNT; on an object it reveals the number of attributes; also an aggregator"),
    pure("LEVENSHTEIN_DISTANCE", 2, 2),
    search("LEVENSHTEIN_MATCH", 3, 6)
        .note("SEARCH-capable"),
    pure("LIKE", 2, 3)
        .note("name is a reserved keyword, callable only because the grammar special-cases LIKE( ; also produced by the LIKE and NOT LIKE operators; index-backed in SEARCH"),
    pure("LOG", 1, 1),
    pure("LOG10", 1, 1),
    pure("LOG2", 1, 1),
    pure("LOWER", 1, 1)
        .note("stringifies"),
    pure("LTRIM", 1, 2),
    internal("MAKE_DISTRIBUTE_GRAPH_INPUT", 1, 1)
        .note("internal"),
    internal("MAKE_DISTRIBUTE_INPUT", 2, 2)
        .note("internal: direct calls are rejected by the server"),
    internal("MAKE_DISTRIBUTE_INPUT_WITH_KEY_CREATION", 3, 3).varying()
        .note("internal"),
    pure("MATCHES", 2, 3)
        .note("compares a whole object with examples; content oracle"),
    pure("MAX", 1, 1)
        .note("also an aggregator; MIN/MAX over whole documents return a whole document"),
    pure("MD5", 1, 1)
        .note("stringifies a whole value; equality oracle"),
    pure("MEDIAN", 1, 1),
    pure("MERGE", 1, MANY)
        .note("whole objects pass through"),
    pure("MERGE_RECURSIVE", 1, MANY)
        .note("whole objects pass through; older servers required 2 arguments"),
    pure("MIN", 1, 1)
        .note("also an aggregator; MIN/MAX over whole documents return a whole document"),
    pure("MINHASH", 2, 2),
    pure("MINHASH_COUNT", 1, 1),
    pure("MINHASH_ERROR", 1, 1),
    search("MINHASH_MATCH", 3, 4)
        .note("SEARCH-capable; optional analyzer name argument"),
    pure("MINUS", 2, MANY)
        .note("whole values pass through"),
    search("MIN_MATCH", 2, MANY)
        .note("SEARCH-capable"),
    data("NEAR", 3, 5).reading()
        .note("returns whole documents via a geo index; arg5 adds an attribute to them; replaced by a subquery at plan time"),
    search("NGRAM_MATCH", 2, 4)
        .note("SEARCH-capable; optional analyzer name argument"),
    pure("NGRAM_POSITIONAL_SIMILARITY", 3, 3),
    pure("NGRAM_SIMILARITY", 3, 3),
    dangerous("NOEVAL", 1, 1)
        .note("identity that blocks constant evaluation; undocumented; whole value passes through"),
    dangerous("NOOPT", 1, 1).varying()
        .note("identity that blocks optimisation; whole value passes through"),
    pure("NOT_NULL", 1, MANY)
        .note("returns an argument unchanged"),
    pure("NTH", 2, 2)
        .note("returns an element unchanged"),
    search("OFFSET_INFO", 2, 2)
        .note("arg1 must be a view loop variable (whole document handle), arg2 lists attribute paths as strings: match positions inside those attributes"),
    pure("OUTERSECTION", 2, MANY)
        .note("whole values pass through"),
    pure("PARSE_COLLECTION", 1, 1).since(Release::V3_12_0)
        .note("reads _id when given an object"),
    pure("PARSE_IDENTIFIER", 1, 1)
        .note("reads _id when given an object"),
    pure("PARSE_KEY", 1, 1).since(Release::V3_12_0)
        .note("reads _id when given an object"),
    pure("PARTITION", 2, 3).since(Release::V4_0),
    pure("PASSTHRU", 1, 1)
        .note("identity; whole value passes through"),
    pure("PERCENTILE", 2, 3),
    search("PHRASE", 2, MANY)
        .note("SEARCH only; last string may be an analyzer name"),
    pure("PI", 0, 0),
    pure("POP", 1, 1)
        .note("whole values pass through"),
    pure("POSITION", 2, 3)
        .note("compares whole values"),
    pure("POW", 2, 2),
    data("PREGEL_RESULT", 1, 2).until(Release::V3_11).reading().varying()
        .note("returns in-memory results of a Pregel job by id; removed in 3.12"),
    pure("PRODUCT", 1, 1),
    pure("PUSH", 2, 3)
        .note("whole values pass through; from 3.12.4 also an aggregator taking one argument"),
    pure("RADIANS", 1, 1),
    pure("RAND", 0, 0).varying(),
    pure("RANDOM", 0, 0).since(Release::V3_12_0).varying()
        .note("alias of RAND"),
    pure("RANDOM_TOKEN", 1, 1).varying(),
    pure("RANGE", 2, 3)
        .note("materialises the sequence; unbounded memory from three numbers"),
    pure("REGEX_MATCHES", 2, 3),
    pure("REGEX_REPLACE", 3, 4),
    pure("REGEX_SPLIT", 2, 4),
    pure("REGEX_TEST", 2, 3)
        .note("also produced by the =~ and !~ operators"),
    pure("REMOVE_NTH", 2, 2)
        .note("whole values pass through"),
    pure("REMOVE_VALUE", 2, 3)
        .note("compares whole values"),
    pure("REMOVE_VALUES", 2, 2)
        .note("compares whole values"),
    pure("REPEAT", 2, 3).since(Release::V3_12_0)
        .note("output size = input * count"),
    pure("REPLACE_NTH", 3, 4)
        .note("whole values pass through"),
    pure("REVERSE", 1, 1)
        .note("whole values pass through"),
    pure("RIGHT", 2, 2)
        .note("stringifies"),
    pure("ROUND", 1, 1),
    pure("RTRIM", 1, 2),
    info("SCHEMA_GET", 1, 1).reading().varying()
        .note("returns the validation schema (attribute names, types) of any collection; text after '/' in arg1 is ignored"),
    pure("SCHEMA_VALIDATE", 2, 2).varying()
        .note("whole object in arg1; error text can echo constraint details; schema in arg2 may contain regular expressions"),
    internal("SELECT_SMART_DISTRIBUTE_GRAPH_INPUT", 2, 2)
        .note("internal, enterprise builds"),
    pure("SHA1", 1, 1)
        .note("stringifies a whole value; equality oracle"),
    pure("SHA256", 1, 1)
        .note("stringifies a whole value; equality oracle"),
    pure("SHA512", 1, 1)
        .note("stringifies a whole value; equality oracle"),
    info("SHARD_ID", 2, 2).reading().varying()
        .note("resolves a collection by name and returns a shard id; errors reveal whether the collection exists"),
    pure("SHIFT", 1, 1)
        .note("whole values pass through"),
    pure("SIN", 1, 1),
    dangerous("SLEEP", 1, 1).varying()
        .note("blocks for arg1 seconds per evaluation; timing oracle"),
    pure("SLICE", 2, 3)
        .note("whole values pass through"),
    pure("SORTED", 1, 1)
        .note("whole values pass through"),
    pure("SORTED_UNIQUE", 1, 1)
        .note("whole values pass through; also an aggregator"),
    pure("SOUNDEX", 1, 1),
    pure("SPLIT", 1, 3),
    pure("SQRT", 1, 1),
    search("STARTS_WITH", 2, 4)
        .note("SEARCH-capable"),
    pure("STDDEV", 1, 1)
        .note("alias of STDDEV_POPULATION; also an aggregator"),
    pure("STDDEV_POPULATION", 1, 1)
        .note("also an aggregator"),
    pure("STDDEV_SAMPLE", 1, 1)
        .note("also an aggregator"),
    pure("SUBSTITUTE", 2, 4),
    pure("SUBSTRING", 2, 3)
        .note("stringifies"),
    pure("SUBSTRING_BYTES", 2, 5),
    pure("SUM", 1, 1)
        .note("also an aggregator"),
    pure("TAN", 1, 1),
    search("TFIDF", 1, MANY)
        .note("as BM25"),
    search("TOKENS", 1, 2)
        .note("arg2 names a stored analyzer; custom analyzers of type aql or pipeline run stored definitions"),
    pure("TO_ARRAY", 1, 1)
        .note("an object argument becomes the array of all its values"),
    pure("TO_BASE64", 1, 1)
        .note("stringifies"),
    pure("TO_BOOL", 1, 1),
    pure("TO_CHAR", 1, 1).since(Release::V3_12_0)
        .note("code point to string; builds names"),
    pure("TO_DOCUMENT_ID", 1, 1).since(Release::Unreleased)
        .note("seen only in a development fork (incomplete implementation, undocumented); refuse"),
    pure("TO_HEX", 1, 1)
        .note("stringifies"),
    pure("TO_LIST", 1, 1)
        .note("alias of TO_ARRAY; an object argument becomes the array of all its values"),
    pure("TO_NUMBER", 1, 1),
    pure("TO_STRING", 1, 1)
        .note("serialises a whole object/array argument to JSON text"),
    pure("TRANSLATE", 2, 3)
        .note("arg2 is a lookup object indexed by arg1: dynamic attribute read"),
    pure("TRIM", 1, 2),
    pure("TYPENAME", 1, 1),
    pure("UNION", 2, MANY)
        .note("whole values pass through"),
    pure("UNION_DISTINCT", 2, MANY)
        .note("whole values pass through"),
    pure("UNION_DISTINCT_STABLE", 2, MANY).since(Release::V4_0)
        .note("whole values pass through"),
    pure("UNIQUE", 1, 1)
        .note("whole values pass through; also an aggregator"),
    pure("UNSET", 2, MANY)
        .note("returns everything EXCEPT the named attributes; names may be arrays or dynamic"),
    pure("UNSET_RECURSIVE", 2, MANY)
        .note("as UNSET, at every level"),
    pure("UNSHIFT", 2, 3)
        .note("whole values pass through"),
    pure("UPPER", 1, 1)
        .note("stringifies"),
    pure("UUID", 0, 0).varying(),
    dangerous("V8", 1, 1).until(Release::V3_12_6)
        .note("forces evaluation through the JavaScript engine; absent when built without JavaScript and removed in 4.0; identity semantics"),
    pure("VALUE", 2, 2)
        .note("dynamic attribute path in arg2 (array of strings/numbers)"),
    pure("VALUES", 1, 2)
        .note("returns all attribute values of a whole object"),
    pure("VARIANCE", 1, 1)
        .note("alias of VARIANCE_POPULATION; also an aggregator"),
    pure("VARIANCE_POPULATION", 1, 1)
        .note("also an aggregator"),
    pure("VARIANCE_SAMPLE", 1, 1)
        .note("also an aggregator"),
    info("VERSION", 0, 0)
        .note("server version string"),
    dangerous("WARN", 2, 2).varying()
        .note("emits caller-supplied message in extra.warnings: exfiltration channel"),
    data("WITHIN", 4, 5).reading()
        .note("as NEAR, by radius"),
    data("WITHIN_RECTANGLE", 5, 5).reading()
        .note("whole documents inside a rectangle"),
    pure("ZIP", 2, 2)
        .note("builds an object with dynamic keys"),
];
