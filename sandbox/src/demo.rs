//! What a fresh server has: the fixed entities of every ftrack server, a workflow, and two projects to publish to.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use crate::api::ahead::Ahead;
use crate::api::batch;
use crate::auth::{Caller, READER_ROLE_ID};
use crate::error::ApiResult;
use crate::hub::update::Origin;
use crate::links::{REVIEW_LOCATION, SERVER_LOCATION};
use crate::model::{NO_PRIORITY, object_types};
use crate::state::AppState;

/// The asset type every server has (Adobe panel, share.js).
const UPLOAD_TYPE: &str = "8f4144e0-a8e6-11e2-9e96-0800200c9a66";
const ADMINISTRATOR_ROLE_ID: &str = "9d1c7c0e-4a53-4b7e-8c4a-6a6f1f1c0d01";

/// Fills a new database with the demo, and adds accounts that are missing.
pub fn fill(state: &AppState, connection: &mut Connection) -> ApiResult<()> {
    let is_new = connection.query_row("SELECT count(*) = 0 FROM project_schema", [], |row| row.get(0))?;
    let mut content = Content::default();
    if is_new {
        content.roles();
    }
    content.accounts(state, connection)?;
    // Users come first: everything else is made by one of them.
    let creator = content.first_user.clone().unwrap_or_default();
    if is_new {
        content.workflow();
        content.fixed_entities();
        content.demo_project();
        content.pilot_project();
    }
    let caller = Caller { id: creator, username: "demo".to_owned(), can_write: true };
    batch::run(state, connection, &caller, &Origin::default(), &content.operations, Ahead::default(), false)?;
    for (key, user_id) in content.keys {
        connection.execute("INSERT OR IGNORE INTO _api_key (key, user_id) VALUES (?1, ?2)", params![key, user_id])?;
    }
    Ok(())
}

/// Operations in the making, and the ids of what they make by name.
#[derive(Default)]
struct Content {
    operations: Vec<Value>,
    ids: HashMap<String, String>,
    keys: Vec<(String, String)>,
    first_user: Option<String>,
}

impl Content {
    /// Adds an entity and returns its id.
    fn add(&mut self, entity_type: &str, mut data: Value) -> String {
        let given = data["id"].as_str().map(str::to_owned);
        let id = given.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        data["id"] = json!(id);
        if let Some(name) = data["name"].as_str() {
            self.ids.insert(format!("{entity_type} {name}"), id.clone());
        }
        self.operations.push(json!({"action": "create", "entity_type": entity_type, "entity_data": data}));
        id
    }

    /// Adds an entity that has a key of its own.
    fn link(&mut self, entity_type: &str, data: Value) {
        self.operations.push(json!({"action": "create", "entity_type": entity_type, "entity_data": data}));
    }

    /// The id of an entity added under this name.
    fn id(&self, entity_type: &str, name: &str) -> &str {
        self.ids.get(&format!("{entity_type} {name}")).map_or("", String::as_str)
    }

    fn roles(&mut self) {
        self.add("SecurityRole", json!({"id": ADMINISTRATOR_ROLE_ID, "name": "Administrator"}));
        self.add("SecurityRole", json!({"id": READER_ROLE_ID, "name": "Reader"}));
    }

    fn accounts(&mut self, state: &AppState, connection: &Connection) -> ApiResult<()> {
        for account in &state.config.accounts {
            let sql = "SELECT id FROM resource WHERE username = ?1";
            let known: Option<String> = connection.query_row(sql, [&account.username], |row| row.get(0)).optional()?;
            let id = known.unwrap_or_else(|| {
                let user = json!({"username": account.username, "first_name": capitalised(&account.username), "last_name": "User",
                    "email": format!("{}@example.com", account.username), "is_active": true});
                let id = self.add("User", user);
                let role = if account.can_write { ADMINISTRATOR_ROLE_ID } else { READER_ROLE_ID };
                let role = json!({"user_id": id, "security_role_id": role, "is_all_projects": true,
                    "is_all_open_projects": true});
                self.add("UserSecurityRole", role);
                id
            });
            self.keys.push((account.key.clone(), id.clone()));
            self.first_user.get_or_insert(id);
        }
        Ok(())
    }

    fn workflow(&mut self) {
        for (short, name) in
            [("NOT_STARTED", "Not started"), ("IN_PROGRESS", "In progress"), ("DONE", "Done"), ("BLOCKED", "Blocked")]
        {
            self.add("State", json!({"name": name, "short": short}));
        }
        let statuses = [
            ("Not started", "#EEEEEE", "Not started"),
            ("Ready to start", "#FFFF00", "Not started"),
            ("In Progress", "#3498DB", "In progress"),
            ("Pending Review", "#FFCB05", "In progress"),
            ("Changes Required", "#E74C3C", "In progress"),
            ("Approved", "#1CBC90", "Done"),
            ("Completed", "#2CC36B", "Done"),
            ("On Hold", "#8B4513", "Blocked"),
            ("Omitted", "#333333", "Blocked"),
        ];
        for (sort, (name, color, state)) in statuses.into_iter().enumerate() {
            let state = json!({"__entity_type__": "State", "id": self.id("State", state)});
            self.add("Status", json!({"name": name, "color": color, "sort": sort, "is_active": true, "state": state}));
        }
        for (sort, name) in TASK_TYPES.into_iter().enumerate() {
            self.add("Type", json!({"name": name, "sort": sort}));
        }
        self.add("Priority", json!({"id": NO_PRIORITY, "name": "None", "color": "#EEEEEE", "sort": 0, "value": 0}));
        for (sort, name) in ["Low", "Medium", "High", "Urgent"].into_iter().enumerate() {
            self.add("Priority", json!({"name": name, "color": "#E5E500", "sort": sort + 1, "value": sort + 1}));
        }
        for (sort, (name, id, is_leaf)) in OBJECT_TYPES.into_iter().enumerate() {
            self.add(
                "ObjectType",
                json!({"id": id, "name": name, "icon": "default", "sort": sort, "is_leaf": is_leaf}),
            );
        }
        self.project_schema();
    }

    fn project_schema(&mut self) {
        let tasks = self.add("WorkflowSchema", json!({"name": "Task workflow"}));
        let versions = self.add("WorkflowSchema", json!({"name": "Version workflow"}));
        // The first status is the one a new version gets.
        let reviewed = ["Pending Review", "In Progress", "Changes Required", "Approved", "Omitted"];
        for (schema, names) in [(&tasks, &TASK_STATUSES[..]), (&versions, &reviewed[..])] {
            for name in names {
                let status = self.id("Status", name).to_owned();
                self.link("WorkflowSchemaStatus", json!({"workflow_schema_id": schema, "status_id": status}));
            }
        }
        let types = self.add("TaskTypeSchema", json!({"name": "Task types"}));
        for name in TASK_TYPES {
            let id = self.id("Type", name).to_owned();
            self.link("TaskTypeSchemaType", json!({"task_type_schema_id": types, "type_id": id}));
        }
        let schema = self.add(
            "ProjectSchema",
            json!({"name": "VFX", "task_workflow_schema_id": tasks, "asset_version_workflow_schema_id": versions,
                "task_type_schema_id": types}),
        );
        for (_, object_type, _) in OBJECT_TYPES {
            let id = self.add("Schema", json!({"project_schema_id": schema, "type_id": object_type}));
            for (sort, name) in TASK_STATUSES.into_iter().enumerate() {
                let status = self.id("Status", name).to_owned();
                self.link("SchemaStatus", json!({"schema_id": id, "status_id": status, "sort": sort}));
            }
            let generic = self.id("Type", "Generic").to_owned();
            self.link("SchemaType", json!({"schema_id": id, "type_id": generic}));
        }
    }

    /// What clients rely on being there, by id (Python client, symbol.py).
    fn fixed_entities(&mut self) {
        for (id, name, description) in [
            (SERVER_LOCATION, "ftrack.server", "Media kept by the server"),
            (REVIEW_LOCATION, "ftrack.review", "Media at other addresses"),
            ("ce9b348f-8809-11e3-821c-20c9d081909b", "ftrack.origin", "Where media come from"),
            ("cb268ecc-8809-11e3-a7e2-20c9d081909b", "ftrack.unmanaged", "Media in the file system"),
            ("07b82a97-8cf9-11e3-9383-20c9d081909b", "ftrack.connect", "Media known to Connect"),
        ] {
            self.add("Location", json!({"id": id, "name": name, "label": name, "description": description}));
        }
        self.add("AssetType", json!({"id": UPLOAD_TYPE, "name": "Upload", "short": "upload"}));
        for (name, short) in [
            ("Animation", "anim"),
            ("Audio", "audio"),
            ("Cache", "cache"),
            ("Camera", "cam"),
            ("Compositing", "comp"),
            ("Geometry", "geo"),
            ("Image", "img"),
            ("Movie", "mov"),
            ("Reference", "reference"),
            ("Render", "render"),
            ("Rig", "rig"),
            ("Scene", "scene"),
        ] {
            self.add("AssetType", json!({"name": name, "short": short}));
        }
        for name in ["Internal", "Client feedback"] {
            self.add("NoteCategory", json!({"name": name}));
        }
        self.add("ListCategory", json!({"name": "Dailies"}));
        for name in ["text", "boolean", "date", "enumerator", "number"] {
            self.add("CustomAttributeType", json!({"name": name, "core": true}));
        }
    }

    fn demo_project(&mut self) {
        let project = self.project("demo", "Demo Project");
        let sequence = self.context("Sequence", "sq010", &project, "Generic");
        for shot in ["sh010", "sh020", "sh030"] {
            let shot = self.context("Shot", shot, &sequence, "Generic");
            for (task, of_type) in
                [("compositing", "Compositing"), ("animation", "Animation"), ("lighting", "Lighting")]
            {
                self.context("Task", task, &shot, of_type);
            }
        }
    }

    /// Has two tasks of one name under one parent, as real projects do.
    fn pilot_project(&mut self) {
        let project = self.project("pilot", "Pilot");
        let folder = self.context("Folder", "assets", &project, "Generic");
        let robot = self.context("AssetBuild", "robot", &folder, "Generic");
        self.context("Task", "modeling", &robot, "Modeling");
        self.context("Task", "modeling", &robot, "Modeling");
        self.context("Task", "rigging", &robot, "Rigging");
        self.context("Milestone", "delivery", &project, "Generic");
    }

    fn project(&mut self, name: &str, full_name: &str) -> String {
        let schema = self.id("ProjectSchema", "VFX").to_owned();
        self.add("Project", json!({"name": name, "full_name": full_name, "project_schema_id": schema}))
    }

    fn context(&mut self, entity_type: &str, name: &str, parent: &str, of_type: &str) -> String {
        let type_id = self.id("Type", of_type).to_owned();
        self.add(entity_type, json!({"name": name, "parent_id": parent, "type_id": type_id}))
    }
}

const OBJECT_TYPES: [(&str, &str, bool); 7] = [
    ("Task", object_types::TASK, true),
    ("Shot", object_types::SHOT, false),
    ("Sequence", object_types::SEQUENCE, false),
    ("Folder", object_types::FOLDER, false),
    ("Asset Build", object_types::ASSET_BUILD, false),
    ("Milestone", object_types::MILESTONE, true),
    ("Episode", object_types::EPISODE, false),
];

const TASK_TYPES: [&str; 9] =
    ["Generic", "Animation", "Compositing", "FX", "Layout", "Lighting", "Modeling", "Rigging", "Rotoscoping"];

const TASK_STATUSES: [&str; 8] = [
    "Not started",
    "Ready to start",
    "In Progress",
    "Pending Review",
    "Changes Required",
    "Approved",
    "Completed",
    "On Hold",
];

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
