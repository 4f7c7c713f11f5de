//! Geographical functions on a sphere: distances, points in polygons, constructors of `GeoJSON`.

use super::{Entry, arg, wrong_type};
use crate::error::Result;
use crate::eval::Evaluator;
use crate::value::{Object, Value, equal};

pub(super) const TABLE: &[Entry] = &[
    ("DISTANCE", 4, 4, |this, args| {
        if !args.iter().all(Value::is_number) {
            return wrong_type(this, "DISTANCE");
        }
        let number = |place| arg(args, place).to_f64();
        Ok(Value::number(haversine((number(1), number(0)), (number(3), number(2)))))
    }),
    ("GEO_DISTANCE", 2, 3, |this, args| {
        match (centre(arg(args, 0)), centre(arg(args, 1))) {
            (Some(left), Some(right)) => Ok(Value::number(haversine(left, right))),
            _ => wrong_type(this, "GEO_DISTANCE"),
        }
    }),
    ("GEO_IN_RANGE", 4, 7, geo_in_range),
    ("GEO_CONTAINS", 2, 2, |this, args| contains(this, args, "GEO_CONTAINS")),
    ("GEO_INTERSECTS", 2, 2, |this, args| {
        contains(this, args, "GEO_INTERSECTS")
    }),
    ("GEO_EQUALS", 2, 2, |_, args| {
        Ok(equal(arg(args, 0), arg(args, 1)).into())
    }),
    ("IS_IN_POLYGON", 2, 3, is_in_polygon),
    ("GEO_POINT", 2, 3, |this, args| {
        if !args.iter().take(2).all(Value::is_number) {
            return wrong_type(this, "GEO_POINT");
        }
        Ok(shape("Point", Value::array(args.to_vec())))
    }),
    ("GEO_MULTIPOINT", 1, 1, |this, args| {
        constructed(this, args, "GEO_MULTIPOINT", "MultiPoint")
    }),
    ("GEO_LINESTRING", 1, 1, |this, args| {
        constructed(this, args, "GEO_LINESTRING", "LineString")
    }),
    ("GEO_MULTILINESTRING", 1, 1, |this, args| {
        constructed(this, args, "GEO_MULTILINESTRING", "MultiLineString")
    }),
    ("GEO_MULTIPOLYGON", 1, 1, |this, args| {
        constructed(this, args, "GEO_MULTIPOLYGON", "MultiPolygon")
    }),
    ("GEO_POLYGON", 1, 1, |this, args| {
        // One ring may be given without the list around it.
        let rings = arg(args, 0);
        let flat = rings
            .as_array()
            .and_then(<[Value]>::first)
            .is_some_and(|first| point(first).is_some());
        match rings.as_array() {
            Some(items) if !items.is_empty() => Ok(shape(
                "Polygon",
                if flat {
                    Value::array(vec![rings.clone()])
                } else {
                    rings.clone()
                },
            )),
            _ => wrong_type(this, "GEO_POLYGON"),
        }
    }),
];

/// Mean radius of the earth in metres, as ArangoDB has it (`lib/Geo`).
const RADIUS: f64 = 6_371_000.0;

/// Longitude and latitude in degrees.
type Point = (f64, f64);

fn haversine(left: Point, right: Point) -> f64 {
    let ((x1, y1), (x2, y2)) = (
        (left.0.to_radians(), left.1.to_radians()),
        (right.0.to_radians(), right.1.to_radians()),
    );
    let part = ((y2 - y1) / 2.0).sin().powi(2) + y1.cos() * y2.cos() * ((x2 - x1) / 2.0).sin().powi(2);
    2.0 * RADIUS * part.sqrt().min(1.0).asin()
}

fn point(value: &Value) -> Option<Point> {
    match value.as_array()? {
        [x, y, ..] if x.is_number() && y.is_number() => Some((x.to_f64(), y.to_f64())),
        _ => None,
    }
}

/// The corners of the outer ring of a shape, or the points that it consists of.
fn corners(value: &Value) -> Option<Vec<Point>> {
    if let Some(point) = point(value) {
        return Some(vec![point]);
    }
    let coordinates = value.get("coordinates")?;
    let list = |value: &Value| value.as_array()?.iter().map(point).collect::<Option<Vec<_>>>();
    match value.text("type")? {
        "Point" => point(coordinates).map(|point| vec![point]),
        "MultiPoint" | "LineString" => list(coordinates),
        "Polygon" => list(coordinates.as_array()?.first()?),
        _ => None,
    }
}

#[allow(clippy::cast_precision_loss, reason = "no shape has 2^53 corners")]
fn centre(value: &Value) -> Option<Point> {
    let mut corners = corners(value)?;
    if corners.len() > 1 && corners.first() == corners.last() {
        corners.pop();
    }
    let count = corners.len() as f64;
    let (x, y) = corners
        .iter()
        .fold((0.0, 0.0), |sum, corner| (sum.0 + corner.0, sum.1 + corner.1));
    (count > 0.0).then_some((x / count, y / count))
}

/// Whether a point lies in a polygon, by the number of its edges to one side.
fn inside(corners: &[Point], (x, y): Point) -> bool {
    let following = corners.iter().cycle().skip(1);
    let crossed = corners
        .iter()
        .zip(following)
        .filter(|((x1, y1), (x2, y2))| (*y1 > y) != (*y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1);
    crossed.count() % 2 == 1
}

fn contains(this: &mut Evaluator<'_>, args: &[Value], name: &str) -> Result<Value> {
    let (Some(outer), Some(inner)) = (corners(arg(args, 0)), corners(arg(args, 1))) else {
        return wrong_type(this, name);
    };
    Ok(Value::Bool(if name == "GEO_CONTAINS" {
        inner
            .iter()
            .all(|point| outer.contains(point) || inside(&outer, *point))
    } else {
        inner
            .iter()
            .any(|point| outer.contains(point) || inside(&outer, *point))
            || outer
                .iter()
                .any(|point| inner.contains(point) || inside(&inner, *point))
    }))
}

fn geo_in_range(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (Some(left), Some(right)) = (centre(arg(args, 0)), centre(arg(args, 1))) else {
        return wrong_type(this, "GEO_IN_RANGE");
    };
    let distance = haversine(left, right);
    let (low, high) = (arg(args, 2).to_f64(), arg(args, 3).to_f64());
    let with_low = args.get(4).is_none_or(Value::is_true);
    let with_high = args.get(5).is_none_or(Value::is_true);
    Ok(Value::Bool(
        (distance > low || with_low && distance >= low) && (distance < high || with_high && distance <= high),
    ))
}

/// Points are latitude first here, unless the last argument says otherwise.
fn is_in_polygon(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (place, lon_first) = match arg(args, 1) {
        list @ Value::Array(_) => (point(list), arg(args, 2).is_true()),
        latitude => (Some((latitude.to_f64(), arg(args, 2).to_f64())), false),
    };
    let polygon = arg(args, 0)
        .as_array()
        .map(|items| items.iter().map(point).collect::<Option<Vec<_>>>());
    let (Some(place), Some(Some(polygon))) = (place, polygon) else {
        return wrong_type(this, "IS_IN_POLYGON");
    };
    let turned = |(first, second): Point| if lon_first { (first, second) } else { (second, first) };
    let corners: Vec<Point> = polygon.into_iter().map(turned).collect();
    Ok(Value::Bool(inside(&corners, turned(place))))
}

fn shape(kind: &str, coordinates: Value) -> Value {
    let mut object = Object::new();
    object.set("type", kind.into());
    object.set("coordinates", coordinates);
    Value::object(object)
}

fn constructed(this: &mut Evaluator<'_>, args: &[Value], name: &str, kind: &str) -> Result<Value> {
    match arg(args, 0).as_array() {
        Some(items) if !items.is_empty() && items.iter().all(|item| item.as_array().is_some()) => {
            Ok(shape(kind, arg(args, 0).clone()))
        }
        _ => wrong_type(this, name),
    }
}
