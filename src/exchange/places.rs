//! Where a component is, and at which address it can be read.

use super::endpoint::shows_secret;
use super::exchanger::Exchanger;
use crate::ftrack::{Filter, Operation, Query, rows};
use crate::session::log::Log;
use crate::session::{Code, Error, Result};
use crate::transfer::Address;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use url::Url;

/// The location of what the server keeps itself (official Python client, symbol.py).
pub const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";

/// A component that the server has the bytes of.
pub struct Found {
    /// In bytes, where the server knows: clients that register components of others leave 0.
    pub size: Option<u64>,
}

/// Where to read it, and what goes to that address only.
pub struct Reading {
    /// The address.
    pub address: Address,
    /// User and key where the server itself is asked; nothing for an address that is signed.
    pub headers: HeaderMap,
}

/// Looks for a component in the location of the server.
pub async fn find(exchanger: &Exchanger, id: &str) -> Result<Found> {
    let component = Query::select(&["id", "name", "file_type", "size", "system_type"], "Component")
        .filter(Filter::equals("id", id));
    let locations = locations_of(Filter::equals("component_id", id));
    let mut results =
        exchanger.client.call_repeatable(&[Operation::query(&component), Operation::query(&locations)]).await?;
    let places = rows(results.pop().unwrap_or_default())?;
    let components = rows(results.pop().unwrap_or_default())?;
    let Some(component) = components.first() else {
        let message = format!("component_id: there is no component \"{id}\" on the server: check the id");
        return Err(Error::new(Code::Integrity, message));
    };
    if let Some(kind @ ("sequence" | "container")) = component["system_type"].as_str() {
        let message =
            format!("component_id: \"{id}\" is a {kind}, whose members are files of their own: download each");
        return Err(Error::new(Code::InvalidArgument, message));
    }
    if !places.iter().any(|place| place["location_id"] == SERVER_LOCATION) {
        return Err(not_here(id, &places));
    }
    // Servers give the size as a whole number or not.
    let size = component["size"].as_f64().filter(|size| *size >= 1.0).map(|size| size as u64);
    Ok(Found { size })
}

/// Where components are.
pub fn locations_of(components: Filter) -> Query {
    let attributes = ["id", "component_id", "location_id", "location.name", "resource_identifier"];
    Query::select(&attributes, "ComponentLocation").filter(components)
}

/// What is said of a component that is registered elsewhere, or nowhere.
fn not_here(id: &str, places: &[Value]) -> Error {
    let place = |place: &Value| {
        let name =
            place["location"]["name"].as_str().or(place["location_id"].as_str()).unwrap_or("a location without a name");
        let identifier = place["resource_identifier"].as_str().unwrap_or_default();
        format!("in the location {name}: '{identifier}'")
    };
    let message = match places {
        [] => format!(
            "the component \"{id}\" is in no location: its upload was not finished, or its bytes were removed; publish it again"
        ),
        places => format!(
            "the component \"{id}\" is not stored on the server but registered {}: read it there",
            places.iter().map(place).collect::<Vec<_>>().join(", ")
        ),
    };
    Error::new(Code::NoLocation, message)
}

/// An address at which the component can be read, asked for in three ways: as the official JavaScript client's types have it
/// (`generate_signed_url`), by the computed `url` of its location, and at `/component/get`, where both official clients read
/// it. Those put user and key into that address; here they go as headers, or nowhere.
pub async fn address(exchanger: &Exchanger, id: &str, log: &Log) -> Result<Reading> {
    let client = &exchanger.client;
    match client.call_repeatable(&[Operation::generate_signed_url(id)]).await {
        Ok(results) => {
            let signed = results.first().and_then(|result| result["signed_url"].as_str());
            if let Some(url) = signed.and_then(|text| readable(exchanger, text, log)) {
                return Ok(Reading { address: Address::new(url), headers: HeaderMap::new() });
            }
        }
        // Its own words, so it can be asked otherwise.
        Err(error) if error.details.exception.is_some() => {
            log.debug("exchange", format_args!("the server signs no address: {error}"));
        }
        Err(error) => return Err(error),
    }
    let url = Query::select(&["url"], "ComponentLocation")
        .filter(Filter::equals("component_id", id))
        .filter(Filter::equals("location_id", SERVER_LOCATION));
    let told = match client.query(&url).await {
        Ok(rows) => rows.first().and_then(|row| row["url"]["value"].as_str()).map(str::to_owned),
        Err(error) if error.details.exception.is_some() => None,
        Err(error) => return Err(error),
    };
    if let Some(url) = told.and_then(|text| readable(exchanger, &text, log)).filter(|url| !url.path().ends_with(GET)) {
        return Ok(Reading { address: Address::new(url), headers: HeaderMap::new() });
    }
    let mut url = client.below(GET).map_err(|_| {
        Error::new(Code::Internal, "a defect in the library made no address of the server's own: please report it")
    })?;
    url.query_pairs_mut().append_pair("id", id);
    let mut headers = client.headers_to(&url).await?;
    headers.remove(CONTENT_TYPE);
    headers.remove(reqwest::header::ACCEPT);
    Ok(Reading { address: Address::new(url), headers })
}

const GET: &str = "/component/get";

/// An address that may be asked: one with the key in it would end in somebody's log.
fn readable(exchanger: &Exchanger, text: &str, log: &Log) -> Option<Url> {
    let url = exchanger.client.server_url().join(text).ok()?;
    (!shows_secret(&url, log) && matches!(url.scheme(), "http" | "https")).then_some(url)
}
