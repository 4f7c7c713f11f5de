//! Computed numbers: between which bounds they are, and whether they may have become null; and the times computed of
//! them.
//!
//! ArangoDB gives null, with a warning, for a division by zero and for what no double can hold. Numbers of which no
//! bounds are known are taken to be far from that, within [`ORDINARY`]: a stored number near 10^308 is none that an
//! application has. What the query's own numbers make of them may still be too large.
//! <https://docs.arangodb.com/3.12/aql/operators/#arithmetic-operators>

use super::analysis::Analysis;
use super::value::{Constant, Number, Types, Value};
use crate::aql::ast::BinaryOp;
use crate::schema::{Bounds, EXACT};

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

/// Between which numbers those are of which no bounds are known, for the question whether a double holds the result.
const ORDINARY: Bounds = Bounds {
    low: -1e150,
    high: 1e150,
};

impl Value<'_> {
    /// How many elements, attributes or characters something has.
    pub(super) const LENGTH: Self = Self::Number(Number {
        whole: true,
        bounds: Bounds { low: 0.0, high: EXACT },
    });

    fn number(whole: bool, bounds: Bounds) -> Self {
        if bounds == Bounds::ALL {
            Self::Plain(if whole { Types::INTEGER } else { Types::NUMBER })
        } else {
            Self::Number(Number { whole, bounds })
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
        let zero_divides = right.low <= 0.0 && right.high >= 0.0;
        let (bounds, null) = match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => followed(op, left, right),
            _ if zero_divides => (Bounds::ALL, true),
            BinaryOp::Div => followed(op, left, right),
            // At most as far from zero as either operand.
            _ => (Bounds::ALL, false),
        };
        match (null || converted, whole) {
            (false, _) => Value::number(whole, bounds),
            (true, true) => Value::Plain(Types::INTEGER.or(Types::NULL)),
            (true, false) => Value::Plain(Types::NUMBER.or(Types::NULL)),
        }
    }

    /// The bounds of a value as an operand: null counts as 0, and anything but a number may become any.
    fn operand(&mut self, value: &Value<'a>) -> Bounds {
        let types = if self.writing {
            self.known_types(value)
        } else {
            value.types()
        };
        if !types.within(Types::NUMBER.or(Types::NULL)) {
            return Bounds::ALL;
        }
        match self.bounds(value) {
            Some(bounds) if types.meets(Types::NULL) => bounds.around(ZERO),
            Some(bounds) => bounds,
            None => ZERO,
        }
    }

    /// The bounds of the numbers that a value may be; `None` where it is none.
    pub(super) fn bounds(&mut self, value: &Value<'a>) -> Option<Bounds> {
        let mut all: Option<Bounds> = None;
        for alternative in value.alternatives() {
            let bounds = match alternative {
                Value::Constant(Constant::Null) => continue,
                Value::Constant(constant) => self.constant_bounds(constant),
                Value::Number(number) => number.bounds,
                // What is stored keeps its schema.
                Value::Part(part) => part.shape.takes.numbers.unwrap_or(Bounds::ALL),
                _ => Bounds::ALL,
            };
            all = Some(all.map_or(bounds, |all| all.around(bounds)));
        }
        all
    }

    fn constant_bounds(&mut self, constant: &Constant<'a>) -> Bounds {
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
            _ => None,
        };
        match (number, constant) {
            (Some(number), Constant::Double(_)) if number.is_finite() => Bounds {
                low: number,
                high: number,
            },
            (Some(number), _) if number.abs() <= EXACT => Bounds {
                low: number,
                high: number,
            },
            _ => Bounds::ALL,
        }
    }

    /// What a function computes of arguments that were read; `None` where that is not followed.
    pub(super) fn computed(&mut self, name: &str, args: &[Value<'a>]) -> Option<Value<'a>> {
        match (name, args) {
            ("DATE_NOW", []) => Some(Value::number(true, NOW)),
            ("DATE_ISO8601", [instant]) => {
                let number = instant.types().within(Types::NUMBER) && !matches!(instant, Value::Constant(_));
                let known = number && self.bounds(instant).is_some_and(|bounds| bounds.within(TIMES));
                known.then_some(Value::Time)
            }
            ("RAND" | "RANDOM", []) => Some(Value::number(false, Bounds { low: 0.0, high: 1.0 })),
            ("ABS", [value]) => {
                let operand = self.operand(value);
                let (low, high) = (operand.low.abs(), operand.high.abs());
                let least = if operand.low <= 0.0 && operand.high >= 0.0 {
                    0.0
                } else {
                    low.min(high)
                };
                let bounds = Bounds {
                    low: least,
                    high: low.max(high),
                };
                let whole = value.types().within(Types::INTEGER);
                value
                    .types()
                    .within(Types::NUMBER.or(Types::NULL))
                    .then(|| Value::number(whole, bounds))
            }
            ("FLOOR" | "CEIL" | "ROUND", [value]) if value.types().within(Types::NUMBER.or(Types::NULL)) => {
                let operand = self.operand(value);
                let bounds = Bounds {
                    low: operand.low.floor(),
                    high: operand.high.ceil(),
                };
                Some(Value::number(true, bounds))
            }
            // Null does not count, and no number at all gives 0.
            ("SUM", [Value::List(list)]) => {
                let numbers = list.element.types().within(Types::NUMBER.or(Types::NULL));
                // However many there are, ordinary ones do not add up to more than a double holds.
                let summed = ordinary(self.operand(&list.element)).within(ORDINARY);
                (numbers && summed).then_some(Value::Plain(Types::NUMBER))
            }
            ("MIN" | "MAX", [Value::Array(array)]) => self.extreme(name == "MIN", &array.elements),
            _ => None,
        }
    }

    /// `MIN([…])` or `MAX([…])` of numbers, of which some may be null: these do not count.
    fn extreme(&mut self, least: bool, elements: &[Value<'a>]) -> Option<Value<'a>> {
        let mut whole = true;
        let mut certain: Option<Bounds> = None;
        let mut all: Option<Bounds> = None;
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
            let Some(bounds) = self.bounds(element) else { continue };
            all = Some(all.map_or(bounds, |all| all.around(bounds)));
            if !types.meets(Types::NULL) {
                certain = Some(certain.map_or(bounds, |certain| {
                    if least {
                        Bounds {
                            low: certain.low.min(bounds.low),
                            high: certain.high.min(bounds.high),
                        }
                    } else {
                        Bounds {
                            low: certain.low.max(bounds.low),
                            high: certain.high.max(bounds.high),
                        }
                    }
                }));
            }
        }
        let (certain, all) = (certain?, all?);
        let bounds = if least {
            Bounds {
                low: all.low,
                high: certain.high,
            }
        } else {
            Bounds {
                low: certain.low,
                high: all.high,
            }
        };
        Some(Value::number(whole, bounds))
    }
}

/// The bounds of a result, and whether it may be more than a double holds.
fn followed(op: BinaryOp, left: Bounds, right: Bounds) -> (Bounds, bool) {
    let tame = result(op, ordinary(left), ordinary(right));
    let overflows = !(tame.low.is_finite() && tame.high.is_finite());
    (result(op, left, right), overflows)
}

/// The same bounds, with an end that is not known taken to be an ordinary number.
fn ordinary(bounds: Bounds) -> Bounds {
    let end = |known: f64, taken: f64| if known.is_finite() { known } else { taken };
    Bounds {
        low: end(bounds.low, ORDINARY.low.min(bounds.high)),
        high: end(bounds.high, ORDINARY.high.max(bounds.low)),
    }
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
