//! Attributes of entity types, and the short words they are declared with.

/// An attribute of an entity type.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name on the wire.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The value on create when none is given, told to clients in the schema.
    pub default: Option<Default>,
    /// The value on create when none is given, found by the server.
    pub fill: Option<Fill>,
    /// It cannot be null.
    pub required: bool,
    /// It cannot be changed after create.
    pub immutable: bool,
    /// Used by other attributes, not told to clients.
    pub hidden: bool,
    /// The server's own name for it (`alias_for` in the schemas).
    pub alias: Option<&'static str>,
    /// The only values allowed; empty when any is.
    pub choices: &'static [&'static str],
}

/// What an attribute is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Text.
    Text,
    /// Text that is JSON.
    Json,
    /// Any JSON value.
    Variable,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A point in time, UTC.
    DateTime,
    /// The id of another entity.
    Key {
        /// Its type.
        to: &'static str,
        /// What becomes of this row when that one goes.
        on_delete: OnDelete,
    },
    /// The entity whose id is in the column `via`.
    One {
        /// Its type.
        to: &'static str,
        /// The column.
        via: &'static str,
    },
    /// The entities that have this one's id in their column `via`.
    Many {
        /// Their type.
        to: &'static str,
        /// Their column.
        via: &'static str,
    },
    /// As [`Kind::Many`], for entities that are a key and a value.
    Mapped {
        /// Their type.
        to: &'static str,
        /// Their column.
        via: &'static str,
    },
    /// The entities linked to this one by rows of the type `link`.
    Through {
        /// Their type.
        to: &'static str,
        /// The type of the links.
        link: &'static str,
        /// The link's column with this entity's id.
        near: &'static str,
        /// The link's column with their id.
        far: &'static str,
    },
    /// The typed contexts above this one.
    Ancestors,
    /// The typed contexts below this one.
    Descendants,
    /// Computed by an SQL expression; `{t}` stands for the table.
    Sql {
        /// The expression.
        expression: &'static str,
        /// What it yields.
        yields: Scalar,
    },
    /// Computed when it is answered; cannot be searched for.
    Computed(Computed),
}

/// What an SQL expression yields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// Text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A point in time.
    DateTime,
}

/// What is computed when it is answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Computed {
    /// The way from the project down, as a list of `{type, id, name}`.
    Link,
    /// The address of the picture in `thumbnail_id`, as `{value}`.
    ThumbnailUrl,
    /// The address of the medium in `component_id`, as `{value}`.
    MediaUrl,
}

/// What becomes of a row when the one it refers to goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnDelete {
    /// The reference becomes null.
    Clear,
    /// The row goes too.
    Cascade,
    /// The other one cannot go.
    Refuse,
}

/// A value for when none is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// A new UUID; `{uid}` in the schemas.
    NewId,
    /// This text.
    Text(&'static str),
    /// This whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
}

/// A value the server finds when none is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// The time of the request.
    Now,
    /// The id of the caller.
    Caller,
    /// The project of the entity that the attribute leads to.
    ProjectOf(&'static str),
    /// One more than the asset's highest version.
    NextVersion,
    /// The first status of the project's workflow for versions.
    VersionStatus,
    /// The first row of the type by `sort`.
    First(&'static str),
    /// `false` where clients do not say so in the schema.
    False,
    /// The number nought, likewise.
    Zero,
    /// This text, likewise.
    Text(&'static str),
}

impl Attribute {
    /// An optional attribute that may change.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            default: None,
            fill: None,
            required: false,
            immutable: false,
            hidden: false,
            alias: None,
            choices: &[],
        }
    }

    /// Whether it is stored in a column.
    pub fn is_column(&self) -> bool {
        use Kind::{Boolean, DateTime, Integer, Json, Key, Number, Text, Variable};
        matches!(self.kind, Text | Json | Variable | Integer | Number | Boolean | DateTime | Key { .. })
    }

    /// Whether it is one value, stored or computed, rather than other entities.
    pub fn is_scalar(&self) -> bool {
        self.is_column() || matches!(self.kind, Kind::Sql { .. } | Kind::Computed(_))
    }

    /// The type of the entities it leads to.
    pub fn target(&self) -> Option<&'static str> {
        match self.kind {
            Kind::One { to, .. } | Kind::Many { to, .. } | Kind::Mapped { to, .. } | Kind::Through { to, .. } => {
                Some(to)
            }
            Kind::Ancestors | Kind::Descendants => Some("TypedContext"),
            _ => None,
        }
    }

    /// Whether it leads to any number of entities.
    pub fn is_collection(&self) -> bool {
        self.target().is_some() && !matches!(self.kind, Kind::One { .. })
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    pub(super) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(super) const fn default(mut self, value: Default) -> Self {
        self.default = Some(value);
        self
    }

    pub(super) const fn fill(mut self, value: Fill) -> Self {
        self.fill = Some(value);
        self
    }

    pub(super) const fn alias(mut self, name: &'static str) -> Self {
        self.alias = Some(name);
        self
    }

    pub(super) const fn choices(mut self, values: &'static [&'static str]) -> Self {
        self.choices = values;
        self
    }

    pub(super) const fn on_delete(mut self, on_delete: OnDelete) -> Self {
        if let Kind::Key { to, .. } = self.kind {
            self.kind = Kind::Key { to, on_delete };
        }
        self
    }
}

pub(super) const fn id() -> Attribute {
    text("id").default(Default::NewId).required().immutable()
}

pub(super) const fn text(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::Text)
}

pub(super) const fn integer(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::Integer)
}

pub(super) const fn number(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::Number)
}

pub(super) const fn boolean(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::Boolean)
}

pub(super) const fn datetime(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::DateTime)
}

/// A key that becomes null when its entity goes.
pub(super) const fn key(name: &'static str, to: &'static str) -> Attribute {
    Attribute::new(name, Kind::Key { to, on_delete: OnDelete::Clear })
}

/// A required key to the entity this one is a part of: it goes with it.
pub(super) const fn part_of(name: &'static str, to: &'static str) -> Attribute {
    Attribute::new(name, Kind::Key { to, on_delete: OnDelete::Cascade })
}

pub(super) const fn one(name: &'static str, to: &'static str, via: &'static str) -> Attribute {
    Attribute::new(name, Kind::One { to, via })
}

pub(super) const fn many(name: &'static str, to: &'static str, via: &'static str) -> Attribute {
    Attribute::new(name, Kind::Many { to, via })
}

pub(super) const fn mapped(name: &'static str, to: &'static str, via: &'static str) -> Attribute {
    Attribute::new(name, Kind::Mapped { to, via })
}

pub(super) const fn through(
    name: &'static str,
    to: &'static str,
    link: &'static str,
    near: &'static str,
    far: &'static str,
) -> Attribute {
    Attribute::new(name, Kind::Through { to, link, near, far })
}

pub(super) const fn sql(name: &'static str, yields: Scalar, expression: &'static str) -> Attribute {
    Attribute::new(name, Kind::Sql { expression, yields }).immutable()
}

pub(super) const fn computed(name: &'static str, what: Computed) -> Attribute {
    Attribute::new(name, Kind::Computed(what)).immutable()
}

pub(super) fn metadata() -> Attribute {
    mapped("metadata", "Metadata", "parent_id").alias("meta")
}
