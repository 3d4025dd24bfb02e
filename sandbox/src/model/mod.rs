//! The one description of the entity types.
//!
//! Tables (`tables`), the schemas clients read (`schemas`), the checks of the API and the query compiler all follow from
//! what is declared in `types`; nothing else knows an entity type by name, but for the rules in `api::fill` and `links`.

mod attribute;
pub mod schemas;
pub mod tables;
mod types;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use attribute::{Attribute, Computed, Default, Fill, Kind, OnDelete, Scalar};

/// Object type ids that are the same on every server (Python client, symbol.py; official schema fixtures).
pub mod object_types {
    /// Task.
    pub const TASK: &str = "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c";
    /// Shot.
    pub const SHOT: &str = "bad911de-3bd6-47b9-8b46-3476e237cb36";
    /// Folder.
    pub const FOLDER: &str = "3c133785-51cb-11e3-980a-20c9d0831e59";
    /// Sequence.
    pub const SEQUENCE: &str = "e5139355-61da-4c8f-9db4-3abc870166bc";
    /// Asset build.
    pub const ASSET_BUILD: &str = "4be63b64-5010-42fb-bf1f-428af9d638f0";
    /// Milestone.
    pub const MILESTONE: &str = "01decdd1-51cb-11e3-9d5b-20c9d0831e59";
    /// Episode.
    pub const EPISODE: &str = "22139355-61da-4c8f-9db4-3abc870166bc";
}

/// The id of the priority that typed contexts have by default (official schema fixtures).
pub const NO_PRIORITY: &str = "9661b320-3a0c-11e2-81c1-0800200c9a66";

/// The hidden column of tables that hold several types: the name of the row's own type.
pub const TYPE_COLUMN: &str = "_type";

/// An entity type.
#[derive(Clone, Debug)]
pub struct EntityType {
    /// The name on the wire, such as `AssetVersion`.
    pub name: &'static str,
    /// The table its rows are in, shared with the types it extends.
    pub table: &'static str,
    /// The type whose attributes it has as well, and whose queries find it too.
    pub extends: Option<&'static str>,
    /// The server's own name for it (`alias_for` in the schemas).
    pub alias_for: Option<&'static str>,
    /// The attribute and value that tell rows of this type from others in the table.
    pub classifier: Option<(&'static str, &'static str)>,
    /// The names of the attributes that are its primary key, in order.
    pub primary_key: Vec<&'static str>,
    /// What a query without `select` answers.
    pub default_projections: Vec<&'static str>,
    /// What every non-strict answer carries besides the key.
    pub system_projections: Vec<&'static str>,
    /// Its entities are always of one of the types that extend it.
    pub is_abstract: bool,
    /// An update of a row that is not there makes it.
    pub upsert: bool,
    /// All attributes, those of the extended type first.
    pub attributes: Vec<Attribute>,
}

/// All entity types.
#[derive(Debug)]
pub struct Model {
    types: Vec<EntityType>,
    by_name: HashMap<&'static str, usize>,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::new(types::all()));

/// The description.
pub fn model() -> &'static Model {
    &MODEL
}

impl Model {
    /// Inherits attributes. A type has to stand after the one it extends.
    fn new(declared: Vec<EntityType>) -> Self {
        let mut model = Self { types: Vec::new(), by_name: HashMap::new() };
        for mut entity in declared {
            if let Some(base) = entity.extends.and_then(|name| model.entity(name)) {
                entity.inherit(base);
            }
            model.by_name.insert(entity.name, model.types.len());
            model.types.push(entity);
        }
        model
    }

    /// The type of this name.
    pub fn entity(&self, name: &str) -> Option<&EntityType> {
        self.by_name.get(name).map(|&index| &self.types[index])
    }

    /// Every type, in order of declaration.
    pub fn types(&self) -> &[EntityType] {
        &self.types
    }

    /// Whether `name` is `base` or extends it.
    pub fn is_a(&self, name: &str, base: &str) -> bool {
        name == base || self.entity(name).and_then(|entity| entity.extends).is_some_and(|next| self.is_a(next, base))
    }

    /// The names of `base` and every type that extends it.
    pub fn family(&self, base: &str) -> Vec<&'static str> {
        self.types.iter().map(|entity| entity.name).filter(|name| self.is_a(name, base)).collect()
    }

    /// Whether rows of the type's table may be of several types, so that they carry [`TYPE_COLUMN`].
    pub fn is_shared(&self, table: &str) -> bool {
        self.types.iter().any(|entity| entity.table == table && entity.extends.is_some())
    }
}

impl EntityType {
    /// A type with `id` as primary key and only default projection.
    pub fn new(name: &'static str, table: &'static str, attributes: Vec<Attribute>) -> Self {
        Self {
            name,
            table,
            extends: None,
            alias_for: None,
            classifier: None,
            primary_key: vec!["id"],
            default_projections: vec!["id"],
            system_projections: Vec::new(),
            is_abstract: false,
            upsert: false,
            attributes,
        }
    }

    /// Takes attributes, projections and key from `base`, and shares its table. Own attributes win over inherited ones.
    pub fn extends(mut self, base: &'static str) -> Self {
        self.extends = Some(base);
        self
    }

    /// Sets [`EntityType::alias_for`].
    pub fn alias(mut self, name: &'static str) -> Self {
        self.alias_for = Some(name);
        self
    }

    /// Sets [`EntityType::classifier`].
    pub fn classified_by(mut self, attribute: &'static str, value: &'static str) -> Self {
        self.classifier = Some((attribute, value));
        self
    }

    /// Sets a primary key other than `id`; it becomes the default projection too.
    pub fn key(mut self, names: &[&'static str]) -> Self {
        self.primary_key = names.to_vec();
        self.default_projections = names.to_vec();
        self
    }

    /// Sets [`EntityType::default_projections`].
    pub fn projects(mut self, names: &[&'static str]) -> Self {
        self.default_projections = names.to_vec();
        self
    }

    /// Sets [`EntityType::system_projections`].
    pub fn always(mut self, names: &[&'static str]) -> Self {
        self.system_projections = names.to_vec();
        self
    }

    /// Sets [`EntityType::is_abstract`].
    pub fn only_extended(mut self) -> Self {
        self.is_abstract = true;
        self
    }

    /// Sets [`EntityType::upsert`].
    pub fn upserted(mut self) -> Self {
        self.upsert = true;
        self
    }

    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The attributes that are columns of the table.
    pub fn columns(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|attribute| attribute.is_column())
    }

    fn inherit(&mut self, base: &EntityType) {
        let own = std::mem::take(&mut self.attributes);
        self.attributes = base.attributes.clone();
        self.attributes.retain(|inherited| own.iter().all(|attribute| attribute.name != inherited.name));
        self.attributes.extend(own);
        self.table = base.table;
        if self.system_projections.is_empty() {
            self.system_projections = base.system_projections.clone();
        }
        if self.default_projections == ["id"] {
            self.default_projections = base.default_projections.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_description_leads_somewhere() {
        let column = |entity: &str, name: &str| {
            let entity = model().entity(entity).unwrap_or_else(|| panic!("no type {entity}"));
            let found = entity.attribute(name).is_some_and(|a| a.is_column() || matches!(a.kind, Kind::Sql { .. }));
            assert!(found, "{}.{name} is not a column", entity.name);
        };
        for entity in model().types() {
            for name in entity.primary_key.iter().chain(&entity.default_projections).chain(&entity.system_projections) {
                assert!(entity.attribute(name).is_some(), "{}.{name}", entity.name);
            }
            for attribute in &entity.attributes {
                match attribute.kind {
                    Kind::Key { to, .. } => column(to, "id"),
                    Kind::One { to, via } => {
                        assert!(model().entity(to).is_some(), "{}.{}: no type {to}", entity.name, attribute.name);
                        column(entity.name, via);
                    }
                    Kind::Many { to, via } | Kind::Mapped { to, via } => column(to, via),
                    Kind::Through { to, link, near, far } => {
                        assert!(model().entity(to).is_some(), "{}.{}: no type {to}", entity.name, attribute.name);
                        column(link, near);
                        column(link, far);
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_query_for_a_base_type_finds_every_type_that_extends_it() {
        assert_eq!(model().family("Component").len(), 4);
        assert!(model().is_a("Shot", "Context") && model().is_a("Shot", "TypedContext"));
        assert!(!model().is_a("Project", "TypedContext"));
    }
}
