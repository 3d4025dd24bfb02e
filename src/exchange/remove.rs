//! A component or a version taken away, as a job: first asked for with all that belongs to it, then removed, what reviewers
//! see before what they do not, so that nothing is ever half there. Files that are only registered by path are left alone.

use super::exchanger::{Exchanger, end};
use super::places::{SERVER_LOCATION, locations_of};
use crate::ftrack::{Filter, Operation, Query, rows};
use crate::session::life::Accepted;
use crate::session::log::{Level, Log};
use crate::session::{Code, Error, Job, Result, Session, Stage, State, policy};
use futures_util::future::FutureExt;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One file.
    FileComponent,
    /// The frames of a sequence, with the frames.
    SequenceComponent,
    /// A version, with its components.
    AssetVersion,
}

/// What a host asks for.
#[derive(Clone, Debug)]
pub struct Removal {
    /// Of this type.
    pub kind: Kind,
    /// With this id.
    pub id: String,
    /// That it is not there is as good.
    pub missing_ok: bool,
}

impl Kind {
    /// The kind with this name.
    pub fn parse(name: &str) -> Result<Kind> {
        let known = [Kind::FileComponent, Kind::SequenceComponent, Kind::AssetVersion];
        known.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = "FileComponent, SequenceComponent or AssetVersion";
            let message = format!("entity_type: {name:?} is not removed by this library: give {known}");
            Error::new(Code::InvalidArgument, message)
        })
    }

    fn name(self) -> &'static str {
        match self {
            Kind::FileComponent => "FileComponent",
            Kind::SequenceComponent => "SequenceComponent",
            Kind::AssetVersion => "AssetVersion",
        }
    }
}

/// A component that goes.
#[derive(Clone, Debug)]
struct Component {
    id: String,
    name: String,
    /// Its type's name.
    entity_type: &'static str,
    /// Of which container it is a member.
    container: Option<String>,
    /// Whether a version shows it.
    is_shown: bool,
}

/// All that goes, and what does not.
#[derive(Default)]
struct Plan {
    /// Its id, and how people call it.
    version: Option<(String, String)>,
    /// Members before their containers.
    components: Vec<Component>,
    /// Where they are: ids, by component.
    locations: BTreeMap<String, Vec<String>>,
    /// Components that something else shows as well.
    kept: Vec<Component>,
}

struct Work {
    exchanger: Arc<Exchanger>,
    job: Arc<Job>,
    log: Log,
    removal: Removal,
}

/// Checks what can be checked at once. What it returns starts the job.
pub fn remove(
    session: &Session,
    exchanger: &Arc<Exchanger>,
    removal: Removal,
) -> Result<impl FnOnce(&Session, Accepted) + use<>> {
    if removal.id.trim().is_empty() {
        return Err(Error::new(Code::InvalidArgument, "id: is empty: give the id of what is to be removed"));
    }
    let (exchanger, log) = (exchanger.clone(), session.log().clone());
    Ok(move |session: &Session, accepted: Accepted| {
        let work = Work { exchanger, job: accepted.job.clone(), log, removal };
        session.start(accepted, async move { work.run().await });
    })
}

impl Work {
    async fn run(&self) -> (State, Option<Error>) {
        self.job.enter(Stage::Resolving);
        let plan = tokio::select! {
            biased;
            () = self.job.cancelled() => Err(Error::new(Code::Cancelled, "the removal was cancelled; nothing was removed")),
            plan = self.plan() => plan,
        };
        // From here on it is finished rather than cancelled.
        let outcome = match plan {
            Ok(Some(plan)) => self.carry_out(plan).await,
            Ok(None) => self.missing(),
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome
            && error.code != Code::Cancelled
        {
            self.log.say(Level::Error, "exchange", error);
        }
        end(&self.job, outcome)
    }

    fn missing(&self) -> Result<()> {
        let (kind, id) = (self.removal.kind.name(), &self.removal.id);
        if self.removal.missing_ok {
            self.tell(&[], &[]);
            return Ok(());
        }
        let remedy = "check type and id, or allow that it is gone with FTR_REMOVE_MISSING_OK";
        Err(Error::new(Code::Integrity, format!("id: there is no {kind} \"{id}\" on the server: {remedy}")))
    }

    // --- what is there ---

    /// Nothing if it is not there.
    async fn plan(&self) -> Result<Option<Plan>> {
        let id = self.removal.id.trim();
        let client = &self.exchanger.client;
        let mut plan = Plan::default();
        let by_id = Filter::equals("id", id);
        let of_components = if self.removal.kind == Kind::AssetVersion {
            let version = Query::select(&["id", "version", "asset.name"], "AssetVersion").filter(by_id);
            let Some(version) = client.query(&version).await?.pop() else { return Ok(None) };
            let name = version["asset"]["name"].as_str().unwrap_or("a version");
            plan.version = Some((id.to_owned(), format!("{name} version {}", version["version"])));
            self.job.note(|published| published.version_id = Some(id.to_owned()));
            components("Component", Filter::equals("version_id", id))
        } else {
            components(self.removal.kind.name(), by_id)
        };
        let shown = components_of(client.query(&of_components).await?);
        if plan.version.is_none() && shown.is_empty() {
            return Ok(None);
        }
        let (kept, gone) = self.part_by_use(&plan, shown).await?;
        plan.kept = kept;
        plan.components = self.with_members(gone).await?;
        self.note_locations(&mut plan).await?;
        Ok(Some(plan))
    }

    /// A thumbnail is often shown by task and shot as well: then it stays when its version goes. Who removes a component by
    /// its own id is only told.
    async fn part_by_use(&self, plan: &Plan, shown: Vec<Component>) -> Result<(Vec<Component>, Vec<Component>)> {
        let ids: Vec<&str> =
            shown.iter().map(|component| component.id.as_str()).take(policy::REMOVE_TOGETHER).collect();
        if ids.is_empty() {
            return Ok((Vec::new(), shown));
        }
        let users = ["TypedContext", "Project", "AssetVersion"].map(|entity_type| {
            let used = Filter::within("thumbnail_id", ids.iter().copied());
            Operation::query(&Query::select(&["id", "thumbnail_id"], entity_type).filter(used))
        });
        let mut used: BTreeMap<String, usize> = BTreeMap::new();
        for result in self.exchanger.client.call_repeatable(&users).await? {
            for user in rows(result)? {
                let is_own = plan.version.as_ref().is_some_and(|(id, _)| user["id"] == **id);
                if let Some(id) = user["thumbnail_id"].as_str().filter(|_| !is_own) {
                    *used.entry(id.to_owned()).or_default() += 1;
                }
            }
        }
        let (kept, gone): (Vec<_>, Vec<_>) = shown.into_iter().partition(|component| used.contains_key(&component.id));
        for Component { id, name, .. } in &kept {
            let count = used.get(id).copied().unwrap_or_default();
            self.warn(match plan.version {
                Some(_) => format!("the component {name} ({id}) stays, because it is the thumbnail of {count} others"),
                None => format!("the component {name} ({id}) was the thumbnail of {count} others, which have none now"),
            });
        }
        match plan.version {
            Some(_) => Ok((kept, gone)),
            None => Ok((Vec::new(), kept.into_iter().chain(gone).collect())),
        }
    }

    /// With the members of containers, and theirs, before each.
    async fn with_members(&self, top: Vec<Component>) -> Result<Vec<Component>> {
        let mut levels = vec![top];
        loop {
            let last = levels.last().map(Vec::as_slice).unwrap_or_default();
            let containers: Vec<&str> =
                last.iter().filter(|one| one.entity_type != "FileComponent").map(|one| one.id.as_str()).collect();
            if containers.is_empty() {
                return Ok(levels.into_iter().rev().flatten().collect());
            }
            let mut members = Vec::new();
            for some in containers.chunks(policy::REMOVE_TOGETHER) {
                let of_some = components("Component", Filter::within("container_id", some.iter().copied()));
                members.extend(components_of(self.exchanger.client.query(&of_some).await?));
            }
            // A container in itself is a damaged database, and has no end.
            let known = |one: &Component| levels.iter().flatten().any(|known| known.id == one.id);
            if levels.len() > 1 {
                members.retain(|one| !known(one));
            }
            levels.push(members);
        }
    }

    /// Where they are; what is elsewhere than on the server is told, and stays there.
    async fn note_locations(&self, plan: &mut Plan) -> Result<()> {
        let mut elsewhere: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for some in plan.components.chunks(policy::REMOVE_TOGETHER) {
            let ids = some.iter().map(|component| component.id.as_str());
            for place in self.exchanger.client.query(&locations_of(Filter::within("component_id", ids))).await? {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                plan.locations.entry(text(&place["component_id"])).or_default().push(text(&place["id"]));
                if place["location_id"] != SERVER_LOCATION {
                    let name =
                        place["location"]["name"].as_str().map_or_else(|| text(&place["location_id"]), str::to_owned);
                    let path = text(&place["resource_identifier"]);
                    let (count, first) = elsewhere.entry(name).or_insert_with(|| (0, path.clone()));
                    *count += 1;
                    // The same one each time, in whatever order they come.
                    *first = path.min(std::mem::take(first));
                }
            }
        }
        for (location, (count, first)) in elsewhere {
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            self.warn(format!("what is registered in the location {location} stays there: '{first}'{more}"));
        }
        Ok(())
    }

    // --- its removal ---

    async fn carry_out(&self, plan: Plan) -> Result<()> {
        self.job.enter(Stage::Removing);
        let mut removed = Vec::new();
        let outcome = self.remove_all(&plan, &mut removed).await;
        self.tell(&removed, &plan.components);
        let error = match outcome {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let left: Vec<&Component> =
            plan.components.iter().filter(|one| !removed.iter().any(|(_, id, _)| *id == one.id)).collect();
        if removed.is_empty() {
            return Err(error);
        }
        let tops: Vec<String> = left
            .iter()
            .filter(|one| {
                one.container.as_ref().is_none_or(|container| !left.iter().any(|other| other.id == *container))
            })
            .map(|one| format!("{} {}", one.entity_type, one.id))
            .collect();
        self.warn(format!(
            "not removed, though no version shows them any more: {}; remove each of them by its id",
            tops.join(", ")
        ));
        Err(error)
    }

    /// Notes type, id and name of what is gone.
    async fn remove_all(&self, plan: &Plan, removed: &mut Vec<(&'static str, String, String)>) -> Result<()> {
        let is_one_step = plan.components.len() <= policy::REMOVE_TOGETHER;
        // Of what takes several requests, nothing is to be seen from the first on.
        let hidden = plan.components.iter().filter(|one| one.is_shown && plan.version.is_none() && !is_one_step);
        let detached: Vec<Operation> = plan.kept.iter().chain(hidden).map(detach).collect();
        if !detached.is_empty() {
            self.exchanger.client.call_repeatable(&detached).await?;
        }
        if let Some((id, name)) = &plan.version {
            self.delete(&[("AssetVersion", id.clone(), Vec::new())], "AssetVersion").await?;
            removed.push(("AssetVersion", id.clone(), name.clone()));
        }
        for some in plan.components.chunks(policy::REMOVE_TOGETHER) {
            let entities: Vec<_> = some
                .iter()
                .map(|one| (one.entity_type, one.id.clone(), plan.locations.get(&one.id).cloned().unwrap_or_default()))
                .collect();
            self.delete(&entities, "Component").await?;
            removed.extend(some.iter().map(|one| (one.entity_type, one.id.clone(), one.name.clone())));
        }
        Ok(())
    }

    /// Deletes what is still there of these entities, each with where it is, all of them or none. `base` is a type that
    /// all of them have.
    async fn delete(&self, entities: &[(&'static str, String, Vec<String>)], base: &'static str) -> Result<()> {
        let client = &self.exchanger.client;
        let mut before = None;
        loop {
            let ids = entities.iter().map(|(_, id, _)| id.as_str());
            let there = self.existing(base, ids).await?;
            // A server may have taken them along with their version, and somebody else may remove the same.
            if there.is_empty() {
                return Ok(());
            }
            let places = entities.iter().flat_map(|(_, _, places)| places).map(String::as_str);
            let places = self.existing("ComponentLocation", places).await?;
            let places = places.iter().map(|place| Operation::delete("ComponentLocation", &[place]));
            let left = entities.iter().filter(|(_, id, _)| there.contains(id));
            let operations: Vec<Operation> =
                places.chain(left.map(|(entity_type, id, _)| Operation::delete(entity_type, &[id]))).collect();
            let done = || {
                async { Ok(self.existing(base, there.iter().map(String::as_str)).await?.is_empty().then_some(())) }
                    .boxed()
            };
            match client.patient(policy::UPLOAD_PATIENCE).once(&operations, done).await {
                Ok(_) => return Ok(()),
                // Less than before is progress, and worth another try.
                Err(error) if before.as_ref() == Some(&there.len()) => return Err(error),
                Err(error) if !matches!(error.code, Code::Integrity | Code::Validation | Code::ServerError) => {
                    return Err(error);
                }
                Err(_) => before = Some(there.len()),
            }
        }
    }

    async fn existing(&self, entity_type: &'static str, ids: impl Iterator<Item = &str>) -> Result<Vec<String>> {
        let ids: Vec<&str> = ids.collect();
        let mut there = Vec::new();
        for some in ids.chunks(policy::REMOVE_TOGETHER) {
            let query = Query::select(&["id"], entity_type).filter(Filter::within("id", some.iter().copied()));
            let rows = self.exchanger.client.query(&query).await?;
            there.extend(rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)));
        }
        Ok(there)
    }

    /// For the job's result: members are counted, not named.
    fn tell(&self, removed: &[(&'static str, String, String)], components: &[Component]) {
        let container = |id: &str| components.iter().find(|one| one.id == id).and_then(|one| one.container.clone());
        let is_gone = |id: &str| removed.iter().any(|(_, other, _)| other == id);
        let mut told = Vec::new();
        for (entity_type, id, name) in removed {
            if container(id).is_some_and(|container| is_gone(&container)) {
                continue;
            }
            let mut entity = json!({"entity_type": entity_type, "id": id, "name": name});
            let members = components.iter().filter(|one| one.container.as_ref() == Some(id)).count();
            if members > 0 {
                entity["members"] = json!(members);
            }
            told.push(entity);
        }
        let answer = json!({"removed": told}).to_string();
        self.log.info("exchange", format_args!("removed {} entities", removed.len()));
        self.job.note(|published| {
            published.answer = Some(answer);
            published.component_id =
                (self.removal.kind != Kind::AssetVersion).then(|| self.removal.id.trim().to_owned());
        });
    }

    fn warn(&self, warning: String) {
        self.log.warning("exchange", &warning);
        self.job.note(|published| published.warnings.push(warning));
    }
}

/// From its version.
fn detach(component: &Component) -> Operation {
    let nothing = Map::from_iter([("version_id".to_owned(), Value::Null)]);
    Operation::update(component.entity_type, &[&component.id], nothing)
}

fn components(entity_type: &'static str, filter: Filter) -> Query {
    Query::select(&["id", "name", "system_type", "container_id", "version_id"], entity_type).filter(filter)
}

fn components_of(rows: Vec<Value>) -> Vec<Component> {
    let component = |row: Value| {
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        Some(Component {
            id: text("id")?,
            name: text("name").unwrap_or_default(),
            entity_type: match row["system_type"].as_str() {
                Some("sequence") => "SequenceComponent",
                Some("container") => "ContainerComponent",
                _ => "FileComponent",
            },
            container: text("container_id"),
            is_shown: text("version_id").is_some(),
        })
    };
    rows.into_iter().filter_map(component).collect()
}
