//! The SQLite tables, made from the description.

use rusqlite::Connection;

use super::{EntityType, Kind, OnDelete, TYPE_COLUMN, model};

/// The table that remembers whose media can go; see [`removed_components`].
const REMOVED: &str = "_removed_component";

/// Makes the tables, indexes and triggers that are missing, and adds columns that a newer description has.
pub fn create(connection: &Connection) -> rusqlite::Result<()> {
    for table in tables() {
        let columns = table.columns.iter().map(|column| column.definition.as_str()).collect::<Vec<_>>().join(", ");
        let key = quoted_list(&table.primary_key);
        connection.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS \"{}\" ({columns}, PRIMARY KEY ({key})) STRICT;",
            table.name
        ))?;
        let present = existing_columns(connection, table.name)?;
        for column in table.columns.iter().filter(|column| !present.iter().any(|name| name == column.name)) {
            connection.execute_batch(&format!("ALTER TABLE \"{}\" ADD COLUMN {}", table.name, column.definition))?;
        }
        for column in table.columns.iter().filter(|column| column.is_searched) {
            connection.execute_batch(&format!(
                "CREATE INDEX IF NOT EXISTS \"{0}.{1}\" ON \"{0}\" (\"{1}\")",
                table.name, column.name
            ))?;
        }
    }
    connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS _api_key (key TEXT PRIMARY KEY, user_id TEXT NOT NULL \
           REFERENCES resource (id) ON DELETE CASCADE) STRICT;
         CREATE TABLE IF NOT EXISTS _encoding (job_id TEXT PRIMARY KEY, task TEXT NOT NULL) STRICT;
         CREATE TABLE IF NOT EXISTS {REMOVED} (id TEXT PRIMARY KEY) STRICT;
         CREATE TRIGGER IF NOT EXISTS remember_removed_component AFTER DELETE ON component
           BEGIN INSERT OR IGNORE INTO {REMOVED} VALUES (old.id); END;"
    ))?;
    create_triggers(connection)
}

/// The components that were deleted, and not made again since, whose media are still there.
pub fn removed_components(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT id FROM {REMOVED} WHERE id NOT IN (SELECT id FROM component)"))?;
    let ids = statement.query_map([], |row| row.get(0))?;
    ids.collect()
}

/// The media of a deleted component are gone.
pub fn forget_removed_component(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(&format!("DELETE FROM {REMOVED} WHERE id = ?1"))?.execute([id]).map(drop)
}

struct Table {
    name: &'static str,
    primary_key: Vec<&'static str>,
    columns: Vec<Column>,
}

struct Column {
    name: &'static str,
    definition: String,
    /// Relations are found by it.
    is_searched: bool,
}

/// One table for all types that share it, with the columns of all of them.
fn tables() -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for entity in model().types() {
        if !tables.iter().any(|table| table.name == entity.table) {
            tables.push(Table { name: entity.table, primary_key: entity.primary_key.clone(), columns: Vec::new() });
        }
        let Some(table) = tables.iter_mut().find(|table| table.name == entity.table) else { continue };
        for attribute in entity.columns() {
            if !table.columns.iter().any(|column| column.name == attribute.name) {
                table.columns.push(column(entity, attribute.name, attribute.kind));
            }
        }
        if model().is_shared(entity.table) && !table.columns.iter().any(|column| column.name == TYPE_COLUMN) {
            table.columns.push(Column {
                name: TYPE_COLUMN,
                definition: format!("{TYPE_COLUMN} TEXT"),
                is_searched: true,
            });
        }
    }
    tables
}

fn column(entity: &EntityType, name: &'static str, kind: Kind) -> Column {
    let storage = match kind {
        Kind::Integer | Kind::Boolean => "INTEGER",
        Kind::Number => "REAL",
        _ => "TEXT",
    };
    let reference = match kind {
        Kind::Key { to, on_delete } => reference(to, on_delete),
        _ => String::new(),
    };
    let is_referred_to = model().types().iter().flat_map(|other| &other.attributes).any(|attribute| {
        matches!(attribute.kind, Kind::Many { to, via } | Kind::Mapped { to, via }
            if via == name && model().entity(to).is_some_and(|to| to.table == entity.table))
    });
    Column {
        name,
        definition: format!("\"{name}\" {storage}{reference}"),
        is_searched: is_referred_to || matches!(kind, Kind::Key { .. }),
    }
}

fn reference(to: &str, on_delete: OnDelete) -> String {
    let Some(target) = model().entity(to) else { return String::new() };
    let action = match on_delete {
        OnDelete::Clear => "SET NULL",
        OnDelete::Cascade => "CASCADE",
        OnDelete::Refuse => "RESTRICT",
    };
    format!(" REFERENCES \"{}\" (\"id\") ON DELETE {action}", target.table)
}

/// Where rows belong to entities of any type, a foreign key cannot take them along; a trigger does.
fn create_triggers(connection: &Connection) -> rusqlite::Result<()> {
    for entity in model().types() {
        for attribute in &entity.attributes {
            let (to, via) = match attribute.kind {
                Kind::Many { to, via } | Kind::Mapped { to, via } => (to, via),
                Kind::Through { link, near, .. } => (link, near),
                _ => continue,
            };
            let Some(target) = model().entity(to) else { continue };
            let is_key = target.attribute(via).is_some_and(|attribute| matches!(attribute.kind, Kind::Key { .. }));
            if !is_key {
                connection.execute_batch(&format!(
                    "CREATE TRIGGER IF NOT EXISTS \"{0} takes {1}\" AFTER DELETE ON \"{0}\" \
                     BEGIN DELETE FROM \"{1}\" WHERE \"{via}\" = old.\"id\"; END",
                    entity.table, target.table
                ))?;
            }
        }
    }
    Ok(())
}

fn existing_columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    names.collect()
}

fn quoted_list(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
