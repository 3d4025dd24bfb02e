//! The event hub: connecting, subscribing, publishing.

use super::callbacks::Own;
use super::constants::{FTR_HUB_LOCAL, FTR_OK};
use super::guard::guard;
use super::handle::{Kind, Table};
use super::options::{json_object, unknown_flags};
use super::session::SESSIONS;
use super::text::{deadline, null, optional_text, output, read_options};
use super::types::*;
use super::view::EventView;
use super::watch::WATCHES;
use crate::ftrack::Client;
use crate::hub::{Hub, Publish, Replies, Subscribe};
use crate::session::news::{HubStatus, Receiver};
use crate::session::{Code, Error, Event, Result, Session};
use parking_lot::Mutex;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ffi::c_char;
use std::mem::size_of;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What a session has of the event hub.
pub struct HubObject {
    pub station: Arc<Hub>,
    /// The functions for events that were published, by number, until their end was told.
    published: Mutex<HashMap<u64, Own>>,
}

/// What a subscription's handle names.
pub struct SubscriptionObject {
    /// With whose end the handle ends.
    pub session: ftr_session,
    own: Own,
    number: OnceLock<u64>,
}

pub static SUBSCRIPTIONS: Table<SubscriptionObject> = Table::new(Kind::Subscription);

impl HubObject {
    pub fn new(session: &Session, client: &Arc<Client>) -> HubObject {
        HubObject { station: Arc::new(Hub::new(session, client)), published: Mutex::default() }
    }

    /// Whether the event is of a subscription or a watch that was ended after the event was put in.
    pub fn is_over(event: &Event) -> bool {
        match event {
            Event::Hub { subscription, .. } | Event::HubRefused { subscription, .. } => {
                SUBSCRIPTIONS.get(subscription.handle, "subscription").is_err()
            }
            Event::Review { watch, .. } => WATCHES.get(watch.handle, "watch").is_err(),
            _ => false,
        }
    }

    /// Calls the function that the event has for itself. Whether nothing else is to be called.
    pub fn tell(&self, event: &Event, view: &EventView) -> bool {
        match event {
            Event::Hub { subscription, .. } | Event::HubRefused { subscription, .. } => {
                match SUBSCRIPTIONS.get(subscription.handle, "subscription") {
                    Ok(object) => object.own.tell(view),
                    // Another thread has just ended it.
                    Err(_) => true,
                }
            }
            Event::Review { watch, .. } => match WATCHES.get(watch.handle, "watch") {
                Ok(object) => object.own.tell(view),
                Err(_) => true,
            },
            Event::HubReply { publisher, .. } => {
                let own = self.published.lock().get(&publisher.handle).copied();
                own.is_some_and(|own| own.tell(view))
            }
            Event::HubPublished { publisher, .. } => {
                let own = self.published.lock().remove(&publisher.handle);
                own.is_some_and(|own| own.tell(view))
            }
            _ => false,
        }
    }

    /// Forgets what is not needed any more after an event was taken.
    pub fn taken(&self, event: &Event) {
        if let Event::HubPublished { publisher, .. } = event {
            self.published.lock().remove(&publisher.handle);
        }
    }
}

/// Begins to connect to the server's event hub, in the background, and goes on until it is connected; a connection that breaks is made again, with every subscription, until ftr_hub_disconnect. Returns at once; how it goes is told by FTR_EVENT_HUB_STATUS, ftr_hub_status and ftr_hub_wait_connected. While the next try is waited for, this makes it at once.
/// A session created with FTR_SESSION_AUTO_CONNECT_EVENT_HUB does this by itself.
/// Errors: FTR_E_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_hub_connect(session: ftr_session) -> i32 {
    guard(|| {
        SESSIONS.get(session, "session")?.hub.station.connect()?;
        Ok(FTR_OK)
    })
}

/// Ends the connection to the event hub, and the attempts to make it. Subscriptions stay, for the next connection and for local events. Events that were not sent end with FTR_E_HUB_OFF.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_hub_disconnect(session: ftr_session) -> i32 {
    guard(|| {
        SESSIONS.get(session, "session")?.hub.station.disconnect();
        Ok(FTR_OK)
    })
}

/// Fills the struct with how the event hub is now: begin with FTR_HUB_INFO_INIT. Does not wait.
///
/// # Safety
/// `info` is NULL or has as many writable bytes as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_hub_status(session: ftr_session, info: *mut ftr_hub_info) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(info, "info")?;
        // SAFETY: the caller's promise.
        let given = unsafe { read_options(out.cast_const(), "info") }?;
        let counts = object.hub.station.counts();
        let info = ftr_hub_info {
            struct_size: given.struct_size,
            status: object.hub.station.status().0 as i32,
            connections: counts.connections,
            subscriptions: counts.subscriptions as u64,
            waiting: counts.waiting as u64,
            dropped: counts.dropped,
            published: counts.published as u64,
        };
        let size = size_of::<ftr_hub_info>().min(given.struct_size as usize);
        // SAFETY: as many bytes as both have; the pointer may be of any alignment.
        unsafe { std::ptr::copy_nonoverlapping((&raw const info).cast::<u8>(), out.cast::<u8>(), size) };
        Ok(FTR_OK)
    })
}

/// Blocks until the event hub is connected, until it is clear that it will not be, or for `timeout_ms`; for hosts without a loop. FTR_OK: it is connected. FTR_E_TIMED_OUT: it is still tried. FTR_E_HUB_OFF: nobody asked for a connection. Else the error that explains why the server does not accept the session.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_hub_wait_connected(session: ftr_session, timeout_ms: i32) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        match object.hub.station.wait_connected(deadline(timeout_ms)?) {
            (HubStatus::Connected, _) => Ok(FTR_OK),
            (HubStatus::Refused, Some(error)) => Err(error),
            (HubStatus::Connecting, error) => {
                let why = error.map_or_else(String::new, |error| format!(", because {error}"));
                let message = format!("the event hub is not connected after {timeout_ms} ms{why}; it is still tried");
                Err(Error::new(Code::TimedOut, message))
            }
            _ => Err(Error::new(Code::HubOff, "the event hub is not being connected: call ftr_hub_connect first")),
        }
    })
}

/// Subscribes to events. Needs no connection: while there is one, and after every reconnect, the server is asked for them.
/// `expression` says which: conditions of a key, an operator (= != < <= > >=) and a value, joined by "and", "or", "not" and parentheses, such as topic=ftrack.update and source.user.username!="ada". Keys lead into the event by dots. Values are compared as text; one with other characters than A-Z a-z 0-9 - _ , . / * @ + stands in quotes; with = a * at its end makes it a prefix. A condition on a key that the event does not have is false.
/// Events are told as FTR_EVENT_HUB when polling, those of several subscriptions in the order of their priorities; ftr_hub_stop ends that for an event. The session's own events are among them where they fit.
/// `options` may be NULL. `*subscription` is written only on success; free it with ftr_hub_unsubscribe, or let ftr_session_free do it.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_JSON, FTR_E_INVALID_ARGUMENT, FTR_E_EXPRESSION, FTR_E_CLOSED, FTR_E_OUT_OF_RESOURCES.
///
/// # Safety
/// `expression` and the texts in `options` are NULL or NUL-terminated, and unchanged during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_hub_subscribe(
    session: ftr_session,
    expression: *const c_char,
    options: *const ftr_hub_subscribe_options,
    subscription: *mut ftr_subscription,
) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        let out = output(subscription, "subscription")?;
        // SAFETY: the caller's promise.
        let expression = unsafe { needed_text(expression, "expression", "such as topic=ftrack.update") }?;
        let mut own = Own { callback: None, user_data: std::ptr::null_mut() };
        let (mut priority, mut tag, mut metadata) = (100, 0, Map::new());
        if !options.is_null() {
            // SAFETY: the caller's promise.
            let options = unsafe { read_options(options, "options") }?;
            own = Own { callback: options.callback, user_data: options.user_data };
            (priority, tag) = (options.priority, options.tag);
            // SAFETY: the caller's promise.
            if let Some(text) = unsafe { optional_text(options.metadata, "metadata") }? {
                metadata = json_object(&text, "metadata")?;
            }
        }
        let named = Arc::new(SubscriptionObject { session, own, number: OnceLock::new() });
        let handle = SUBSCRIPTIONS.insert(named.clone())?;
        let subscribe = Subscribe { expression, priority, metadata };
        match object.hub.station.subscribe(subscribe, Receiver { handle, tag }) {
            Ok(number) => drop(named.number.set(number)),
            Err(error) => {
                SUBSCRIPTIONS.remove(handle, "subscription")?;
                return Err(error);
            }
        }
        // SAFETY: not NULL, and the caller's promise.
        unsafe { out.write(handle) };
        Ok(FTR_OK)
    })
}

/// Ends a subscription and frees its handle: none of its events is told any more, not even those that wait already. A callback of it that another thread is in at this moment is not waited for. 0 is allowed and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_hub_unsubscribe(subscription: ftr_subscription) -> i32 {
    guard(|| {
        if subscription == 0 {
            return Ok(FTR_OK);
        }
        let removed = SUBSCRIPTIONS.remove(subscription, "subscription")?;
        // The session may have been freed by another thread, and all its subscriptions with it.
        if let (Ok(object), Some(number)) = (SESSIONS.get(removed.session, "session"), removed.number.get()) {
            object.hub.station.unsubscribe(*number);
        }
        Ok(FTR_OK)
    })
}

/// Publishes an event, and returns at once. Its end is told by exactly one FTR_EVENT_HUB_PUBLISHED: when the server has acknowledged it, or refuses it (FTR_E_HUB_REFUSED), or, where replies are wanted, when they came or the time for them is over (FTR_E_TIMED_OUT if there was none). Each reply is an FTR_EVENT_HUB_REPLY before that.
/// While the event hub is being connected, events wait to be sent: 1024 of them or 8 MiB, beyond which the oldest end with FTR_E_HUB_DROPPED. An event that was sent just before the connection broke ends with FTR_E_CONNECTION_LOST, and may have been told or not.
/// `data` is the text of a JSON object; NULL is an empty one. `options` may be NULL. With FTR_HUB_LOCAL only the subscriptions of this session hear of it, and no connection is needed.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_STRUCT_SIZE, FTR_E_NOT_UTF8, FTR_E_INVALID_ARGUMENT (an empty topic), FTR_E_INVALID_JSON, FTR_E_EXPRESSION (the target), FTR_E_HUB_OFF (neither connected nor being connected), FTR_E_UNAUTHORISED and the like (the server does not accept the session), FTR_E_QUEUE_FULL (1024 were published whose end was not polled), FTR_E_CLOSED.
///
/// # Safety
/// The texts are NULL or NUL-terminated, and unchanged during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_hub_publish(
    session: ftr_session,
    topic: *const c_char,
    data: *const c_char,
    options: *const ftr_hub_publish_options,
) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        // SAFETY: the caller's promise.
        let topic = unsafe { needed_text(topic, "topic", "such as \"studio.review.ready\"") }?;
        // SAFETY: the caller's promise.
        let data = match unsafe { optional_text(data, "data") }? {
            Some(text) => json_object(&text, "data")?,
            None => Map::new(),
        };
        let mut publish =
            Publish { topic, data, target: String::new(), in_reply_to: None, local: false, replies: None };
        let mut own = Own { callback: None, user_data: std::ptr::null_mut() };
        let mut tag = 0;
        if !options.is_null() {
            // SAFETY: the caller's promise.
            let options = unsafe { read_options(options, "options") }?;
            if options.flags & !FTR_HUB_LOCAL != 0 {
                return Err(unknown_flags(options.flags, "FTR_HUB_LOCAL"));
            }
            // SAFETY: the caller's promise.
            publish.target = unsafe { optional_text(options.target, "target") }?.unwrap_or_default();
            // SAFETY: the caller's promise.
            publish.in_reply_to = unsafe { optional_text(options.in_reply_to, "in_reply_to") }?;
            publish.local = options.flags & FTR_HUB_LOCAL != 0;
            publish.replies = replies(&options)?;
            own = Own { callback: options.callback, user_data: options.user_data };
            tag = options.tag;
        }
        // Held meanwhile: its end may be polled by another thread before this one knows the number.
        let mut published = object.hub.published.lock();
        let number = object.hub.station.publish(publish, tag)?;
        if own.callback.is_some() {
            published.insert(number, own);
        }
        Ok(FTR_OK)
    })
}

/// Answers an event: `event_id` and `source_id` are the `id` and `source_id` of its ftr_hub_event. `data` is JSON text of any value; NULL is null. Returns at once; that it could not be delivered is a line in the log.
/// Errors: FTR_E_NULL_ARGUMENT, FTR_E_NOT_UTF8, FTR_E_INVALID_JSON, FTR_E_INVALID_ARGUMENT, FTR_E_HUB_OFF, FTR_E_CLOSED.
///
/// # Safety
/// The texts are NULL or NUL-terminated, and unchanged during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_hub_reply(
    session: ftr_session,
    event_id: *const c_char,
    source_id: *const c_char,
    data: *const c_char,
) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        // SAFETY: the caller's promise.
        let event_id = unsafe { needed_text(event_id, "event_id", "the id of an event") }?;
        // SAFETY: the caller's promise.
        let source_id = unsafe { needed_text(source_id, "source_id", "the source_id of an event") }?;
        // SAFETY: the caller's promise.
        let data = match unsafe { optional_text(data, "data") }? {
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                Error::new(Code::InvalidJson, format!("data: is no JSON ({error}); give the text of a JSON value"))
            })?,
            None => Value::Null,
        };
        object.hub.station.reply(&event_id, &source_id, data)?;
        Ok(FTR_OK)
    })
}

/// Ends the telling of an event in this session: subscriptions that have not heard of it do not. To be called while one of its FTR_EVENT_HUB is handled; for other ids it does nothing.
///
/// # Safety
/// `event_id` is NULL or NUL-terminated, and unchanged during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_hub_stop(session: ftr_session, event_id: *const c_char) -> i32 {
    guard(|| {
        let object = SESSIONS.get(session, "session")?;
        // SAFETY: the caller's promise.
        let event_id = unsafe { needed_text(event_id, "event_id", "the id of an event") }?;
        object.hub.station.stop(&event_id);
        Ok(FTR_OK)
    })
}

/// # Safety
/// `text` is NULL or NUL-terminated, and unchanged during the call.
pub unsafe fn needed_text(text: *const c_char, argument: &str, what: &str) -> Result<String> {
    // SAFETY: passed on.
    unsafe { optional_text(text, argument) }?.ok_or_else(|| null(argument, what))
}

fn replies(options: &ftr_hub_publish_options) -> Result<Option<Replies>> {
    let milliseconds = u64::try_from(options.reply_timeout_ms).map_err(|_| {
        let given = options.reply_timeout_ms;
        let message = format!("reply_timeout_ms: {given} is no time: give milliseconds, or 0 to wait for no reply");
        Error::new(Code::InvalidArgument, message)
    })?;
    let most = Some(options.max_replies).filter(|most| *most > 0);
    Ok((milliseconds > 0).then(|| Replies { timeout: Duration::from_millis(milliseconds), most }))
}
