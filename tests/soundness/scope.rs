//! What the generated query's variables hold, so that most of what is done with them makes sense.

use mallku_db::schema::Shape;

use crate::world::{UNNAMED, unnamed};

/// What a value is, as far as the generator cares.
#[derive(Clone)]
pub(crate) enum Kind<'w> {
    /// Anything without stored content of interest.
    Plain,
    /// A stored document or a part of one.
    Part(&'w Shape),
    List(Box<Kind<'w>>),
    /// An object made by the query.
    Made(Vec<(String, Kind<'w>)>),
}

impl<'w> Kind<'w> {
    pub(crate) fn list(element: Self) -> Self {
        Kind::List(Box::new(element))
    }

    pub(crate) fn made(attributes: Vec<(&str, Kind<'w>)>) -> Self {
        Kind::Made(
            attributes
                .into_iter()
                .map(|(name, kind)| (name.to_owned(), kind))
                .collect(),
        )
    }

    /// What the elements are, where the value is an array.
    pub(crate) fn element(&self) -> Option<Self> {
        match self {
            Kind::List(element) => Some((**element).clone()),
            Kind::Part(shape) => shape.items.as_deref().map(Kind::Part),
            _ => None,
        }
    }

    /// The attributes that are known, with what they hold.
    pub(crate) fn attributes(&self) -> Vec<(String, Self)> {
        match self {
            Kind::Part(shape) => shape
                .attributes
                .iter()
                .map(|(name, shape)| (name.clone(), Kind::Part(shape)))
                .chain(
                    UNNAMED
                        .into_iter()
                        .filter_map(|name| Some((name.to_owned(), Kind::Part(unnamed(shape, name)?)))),
                )
                .collect(),
            Kind::Made(attributes) => attributes.clone(),
            _ => Vec::new(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Variable<'w> {
    pub(crate) name: String,
    pub(crate) kind: Kind<'w>,
}
