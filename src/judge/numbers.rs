//! Computed numbers: between which bounds they are, and whether they may have become null; and the times computed of
//! them.
//!
//! ArangoDB gives null, with a warning, for a division by zero and for what no double can hold. Stored numbers without
//! bounds in their schema are taken to be far from that, within [`ORDINARY`]: one near 10^308 is none that an application
//! has. Nothing else is: what a query makes of them, or a function gives, is followed up to the largest double.
//! <https://docs.arangodb.com/3.12/aql/operators/#arithmetic-operators>

use super::analysis::Analysis;
use super::value::{Constant, Number, Types, Value, each_element};
use crate::aql::ast::BinaryOp;
use crate::schema::{Bounds, EXACT, Shape};
use serde_json::Value as Json;

/// Milliseconds from 1970 to the end of 2999.
const TIMES: Bounds = Bounds {
    low: 0.0,
    high: 32_503_679_999_999.0,
};

/// What a clock may show: years before the times end.
const NOW: Bounds = Bounds {
    low: 0.0,
    high: 16_725_225_600_000.0,
};

const ZERO: Bounds = Bounds { low: 0.0, high: 0.0 };

/// Between which numbers the stored ones are that applications have: the product of six is one that a double holds.
const ORDINARY: Bounds = Bounds { low: -1e50, high: 1e50 };

/// Every double that is a number.
const DOUBLES: Bounds = Bounds {
    low: f64::MIN,
    high: f64::MAX,
};

/// The whole numbers that functions give: those of 64 bits.
const INTEGERS: Bounds = Bounds {
    low: -9.3e18,
    high: 9.3e18,
};

/// More elements than any array has.
const ELEMENTS: f64 = 1e15;

impl Value<'_> {
    /// How many elements, attributes or characters something has.
    pub(super) const LENGTH: Self = Self::Number(Number {
        whole: true,
        bounds: Bounds { low: 0.0, high: EXACT },
        ordinary: Bounds { low: 0.0, high: EXACT },
    });

    fn number(whole: bool, range: Range) -> Self {
        let Range { bounds, ordinary } = range;
        Self::Number(Number {
            whole,
            bounds,
            ordinary,
        })
    }

    /// The same, or null.
    fn number_or_null(whole: bool, range: Range) -> Self {
        Self::union([Self::number(whole, range), Self::NULL])
    }
}

/// Between which numbers a number is: for certain, and given that stored ones are ordinary.
#[derive(Clone, Copy)]
struct Range {
    bounds: Bounds,
    ordinary: Bounds,
}

impl Range {
    /// Any number.
    const ANY: Self = Self {
        bounds: Bounds::ALL,
        ordinary: DOUBLES,
    };

    fn of(bounds: Bounds) -> Self {
        Self {
            bounds,
            ordinary: bounds,
        }
    }

    /// What a function that is monotone, or told about by its bounds alone, makes of it.
    fn map(self, of: impl Fn(Bounds) -> Bounds) -> Self {
        Self {
            bounds: of(self.bounds),
            ordinary: of(self.ordinary),
        }
    }

    fn around(self, other: Self) -> Self {
        Self {
            bounds: self.bounds.around(other.bounds),
            ordinary: self.ordinary.around(other.ordinary),
        }
    }
}

impl<'a> Analysis<'a> {
    /// `+`, `-`, `*`, `/`, `%` of operands that were read.
    pub(super) fn arithmetic(&mut self, op: BinaryOp, first: &Value<'a>, second: &Value<'a>) -> Value<'a> {
        // Null counts as 0. Whether a bound number is whole is asked only where it can matter.
        let numbers = Types::INTEGER.or(Types::NULL);
        let may_be = |value: &Value<'a>| value.types().within(numbers) || matches!(value, Value::Constant(_));
        let whole = op != BinaryOp::Div
            && may_be(first)
            && may_be(second)
            && self.known_types(first).within(numbers)
            && self.known_types(second).within(numbers);
        let (left, right) = (self.operand(first), self.operand(second));
        // A text such as "inf" or "1e308" is taken for that number.
        let converted = [first, second].into_iter().any(|operand| {
            !self
                .known_types(operand)
                .within(Types::NUMBER.or(Types::NULL).or(Types::BOOL))
        });
        let zero_divides = right.bounds.low <= 0.0 && right.bounds.high >= 0.0;
        let (range, null) = match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => followed(op, left, right),
            _ if zero_divides => (Range::ANY, true),
            BinaryOp::Div => followed(op, left, right),
            // At most as far from zero as the left operand.
            _ => (left.map(|bounds| distance(bounds, -1.0)), false),
        };
        if null || converted {
            Value::number_or_null(whole, range)
        } else {
            Value::number(whole, range)
        }
    }

    /// The range of a value as an operand: null counts as 0, and anything but a number may become any.
    fn operand(&mut self, value: &Value<'a>) -> Range {
        let types = if self.writing {
            self.known_types(value)
        } else {
            value.types()
        };
        if !types.within(Types::NUMBER.or(Types::NULL)) {
            return Range::ANY;
        }
        match self.range(value) {
            Some(range) if types.meets(Types::NULL) => range.around(Range::of(ZERO)),
            Some(range) => range,
            None => Range::of(ZERO),
        }
    }

    /// The bounds of the numbers that a value may be; `None` where it is none.
    pub(super) fn bounds(&mut self, value: &Value<'a>) -> Option<Bounds> {
        self.range(value).map(|range| range.bounds)
    }

    fn range(&mut self, value: &Value<'a>) -> Option<Range> {
        let mut all: Option<Range> = None;
        for alternative in value.alternatives() {
            let range = match alternative {
                Value::Constant(Constant::Null) | Value::Plain(Types::NULL) => continue,
                Value::Constant(constant) => self.constant_range(constant),
                Value::Number(Number { bounds, ordinary, .. }) => Range {
                    bounds: *bounds,
                    ordinary: *ordinary,
                },
                // What is stored keeps its schema.
                Value::Part(part) => stored(part.shape),
                Value::Plain(types) if types.within(Types::INTEGER.or(Types::NULL)) => Range {
                    bounds: Bounds::ALL,
                    ordinary: INTEGERS,
                },
                _ => Range::ANY,
            };
            all = Some(all.map_or(range, |all| all.around(range)));
        }
        all
    }

    fn constant_range(&mut self, constant: &Constant<'a>) -> Range {
        #[allow(
            clippy::cast_precision_loss,
            reason = "what a double does not hold exactly is left out below"
        )]
        let number = match constant {
            Constant::Integer(number) => Some(*number as f64),
            Constant::Double(number) => Some(*number),
            // Looking at a bound number makes the verdict one for this number alone: worth it for what is written.
            Constant::Bind { json, .. } if self.writing => {
                self.inspect(constant);
                json.as_f64()
            }
            Constant::ElementOf { json, path, .. } if self.writing => {
                self.inspect(constant);
                return of_elements(each_element(json, path).as_deref());
            }
            _ => None,
        };
        let Some(number) = number.filter(|number| number.is_finite()) else {
            return Range::ANY;
        };
        let itself = Bounds {
            low: number,
            high: number,
        };
        if matches!(constant, Constant::Double(_)) || number.abs() <= EXACT {
            return Range::of(itself);
        }
        Range {
            bounds: Bounds::ALL,
            ordinary: itself,
        }
    }

    /// What a function computes of arguments that were read; `None` where that is not followed.
    pub(super) fn computed(&mut self, name: &str, args: &[Value<'a>]) -> Option<Value<'a>> {
        match (name, args) {
            ("DATE_NOW", []) => Some(Value::number(true, Range::of(NOW))),
            ("DATE_ISO8601", [instant]) => {
                let number = instant.types().within(Types::NUMBER) && !matches!(instant, Value::Constant(_));
                let known = number && self.bounds(instant).is_some_and(|bounds| bounds.within(TIMES));
                known.then_some(Value::Time)
            }
            ("RAND" | "RANDOM", []) => Some(Value::number(false, Range::of(Bounds { low: 0.0, high: 1.0 }))),
            ("ABS", [value]) => {
                let range = self.operand(value).map(|bounds| distance(bounds, 0.0));
                let whole = value.types().within(Types::INTEGER);
                value
                    .types()
                    .within(Types::NUMBER.or(Types::NULL))
                    .then(|| Value::number(whole, range))
            }
            ("FLOOR" | "CEIL" | "ROUND", [value]) => {
                let range = self.operand(value).map(|bounds| Bounds {
                    low: bounds.low.floor(),
                    high: bounds.high.ceil(),
                });
                let number = value.types().within(Types::NUMBER.or(Types::NULL));
                Some(if number {
                    Value::number(true, range)
                } else {
                    Value::number_or_null(true, range)
                })
            }
            // Null does not count, and no number at all gives 0.
            ("SUM", [Value::List(list)]) if list.element.types().within(Types::NUMBER.or(Types::NULL)) => {
                let ordinary = self.operand(&list.element).ordinary;
                let sum = Bounds {
                    low: ordinary.low * ELEMENTS,
                    high: ordinary.high * ELEMENTS,
                };
                Some(in_doubles(false, sum.around(ZERO)))
            }
            // Between the least and the greatest element; null where there is none.
            ("AVERAGE" | "AVG" | "MEDIAN", [Value::List(list)])
                if list.element.types().within(Types::NUMBER.or(Types::NULL)) =>
            {
                let ordinary = self.operand(&list.element).ordinary;
                Some(Value::number_or_null(false, Range { ordinary, ..Range::ANY }))
            }
            ("SQRT" | "LOG" | "LOG2" | "LOG10" | "SIN" | "COS" | "TAN" | "ASIN" | "ACOS" | "ATAN" | "ATAN2", _) => {
                let largest = args.first().map(|value| self.operand(value).ordinary.high.max(0.0));
                // A tangent is at most 1.7e16 for any double, a logarithm 1100 from zero.
                let far = largest.filter(|_| name == "SQRT").map_or(1e17, |of| of.sqrt().max(1.0));
                let ordinary = Bounds { low: -far, high: far };
                Some(Value::number_or_null(false, Range { ordinary, ..Range::ANY }))
            }
            // On the Earth.
            ("DISTANCE" | "GEO_DISTANCE" | "GEO_AREA", _) => Some(Value::number_or_null(
                false,
                Range {
                    ordinary: INTEGERS,
                    ..Range::ANY
                },
            )),
            ("MIN" | "MAX", [Value::Array(array)]) => self.extreme(name == "MIN", &array.elements),
            _ => None,
        }
    }

    /// `MIN([…])` or `MAX([…])` of numbers, of which some may be null: these do not count.
    fn extreme(&mut self, least: bool, elements: &[Value<'a>]) -> Option<Value<'a>> {
        let mut whole = true;
        let mut certain: Option<Range> = None;
        let mut all: Option<Range> = None;
        for element in elements {
            let types = if self.writing {
                self.known_types(element)
            } else {
                element.types()
            };
            if !types.within(Types::NUMBER.or(Types::NULL)) {
                return None;
            }
            whole &= types.within(Types::INTEGER.or(Types::NULL));
            let Some(range) = self.range(element) else { continue };
            all = Some(all.map_or(range, |all| all.around(range)));
            if !types.meets(Types::NULL) {
                certain = Some(certain.map_or(range, |certain| Range {
                    bounds: nearer(least, certain.bounds, range.bounds),
                    ordinary: nearer(least, certain.ordinary, range.ordinary),
                }));
            }
        }
        let (certain, all) = (certain?, all?);
        let between = |all: Bounds, certain: Bounds| {
            if least {
                Bounds {
                    low: all.low,
                    high: certain.high,
                }
            } else {
                Bounds {
                    low: certain.low,
                    high: all.high,
                }
            }
        };
        let range = Range {
            bounds: between(all.bounds, certain.bounds),
            ordinary: between(all.ordinary, certain.ordinary),
        };
        Some(Value::number(whole, range))
    }
}

/// The bounds of the lesser, or the greater, of two numbers.
fn nearer(least: bool, one: Bounds, other: Bounds) -> Bounds {
    if least {
        Bounds {
            low: one.low.min(other.low),
            high: one.high.min(other.high),
        }
    } else {
        Bounds {
            low: one.low.max(other.low),
            high: one.high.max(other.high),
        }
    }
}

/// What a stored number is within.
fn stored(shape: &Shape) -> Range {
    let bounds = shape.takes.numbers.unwrap_or(Bounds::ALL);
    let end = |known: f64, taken: f64| if known.is_finite() { known } else { taken };
    Range {
        bounds,
        ordinary: Bounds {
            low: end(bounds.low, ORDINARY.low.min(bounds.high)),
            high: end(bounds.high, ORDINARY.high.max(bounds.low)),
        },
    }
}

/// What the numbers among bound elements are within.
fn of_elements(elements: Option<&[&Json]>) -> Range {
    let Some(elements) = elements else { return Range::ANY };
    let numbers = elements.iter().filter_map(|json| json.as_f64());
    let ordinary = numbers
        .map(|number| Bounds {
            low: number,
            high: number,
        })
        .reduce(Bounds::around);
    Range {
        ordinary: ordinary.unwrap_or(ZERO),
        ..Range::ANY
    }
}

/// How far from zero a number is, or, with `sign` -1, what is as far at most.
fn distance(bounds: Bounds, sign: f64) -> Bounds {
    let (low, high) = (bounds.low.abs(), bounds.high.abs());
    let far = low.max(high);
    if sign < 0.0 {
        return Bounds { low: -far, high: far };
    }
    let meets_zero = bounds.low <= 0.0 && bounds.high >= 0.0;
    Bounds {
        low: if meets_zero { 0.0 } else { low.min(high) },
        high: far,
    }
}

/// A number with these bounds, given that stored ones are ordinary, or null where they are beyond what a double holds.
fn in_doubles<'a>(whole: bool, ordinary: Bounds) -> Value<'a> {
    if ordinary.low.is_finite() && ordinary.high.is_finite() {
        Value::number(whole, Range { ordinary, ..Range::ANY })
    } else {
        Value::number_or_null(whole, Range::ANY)
    }
}

/// The range of a result, and whether it may be more than a double holds.
fn followed(op: BinaryOp, left: Range, right: Range) -> (Range, bool) {
    let bounds = result(op, left.bounds, right.bounds);
    let ordinary = result(op, left.ordinary, right.ordinary);
    let overflows = !(ordinary.low.is_finite() && ordinary.high.is_finite());
    let ordinary = if overflows { DOUBLES } else { ordinary };
    (Range { bounds, ordinary }, overflows)
}

fn result(op: BinaryOp, left: Bounds, right: Bounds) -> Bounds {
    match op {
        BinaryOp::Add => Bounds {
            low: left.low + right.low,
            high: left.high + right.high,
        },
        BinaryOp::Sub => Bounds {
            low: left.low - right.high,
            high: left.high - right.low,
        },
        BinaryOp::Mul => corners(left, right, |one, other| one * other),
        BinaryOp::Div => corners(left, right, |one, other| one / other),
        _ => Bounds::ALL,
    }
}

/// The bounds of what is monotone in both operands.
fn corners(left: Bounds, right: Bounds, of: impl Fn(f64, f64) -> f64) -> Bounds {
    let mut all: Option<Bounds> = None;
    for one in [left.low, left.high] {
        for other in [right.low, right.high] {
            // Nothing times any number is nothing; what is neither is not followed.
            let corner = match of(one, other) {
                corner if !corner.is_nan() => corner,
                _ if one == 0.0 || other == 0.0 => 0.0,
                _ => return Bounds::ALL,
            };
            let bounds = Bounds {
                low: corner,
                high: corner,
            };
            all = Some(all.map_or(bounds, |all| all.around(bounds)));
        }
    }
    all.unwrap_or(Bounds::ALL)
}
