//! Who hears of what, in which order.

use super::expression::Expression;
use crate::session::news::Receiver;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;

/// A part of the library that subscribes. Called on the runtime thread; must not block.
pub trait Listener: Send + Sync {
    /// The server knows of the subscription, for the first time or again: what happened before was not told.
    fn subscribed(&self);
    /// An event came.
    fn hear(&self, event: &Value);
}

/// One subscription.
pub struct Subscriber {
    /// Its number in this session.
    pub number: u64,
    /// Lower ones hear of an event before higher ones.
    pub priority: i32,
    /// What the server is asked for, as it was given.
    pub text: String,
    /// The same, understood.
    pub expression: Expression,
    /// What targets are compared with.
    pub metadata: Value,
    /// Who hears.
    pub hears: Hears,
}

/// Who hears of the events of a subscription.
#[derive(Clone)]
pub enum Hears {
    /// The host.
    Host(Receiver),
    /// The library itself.
    Inside(Arc<dyn Listener>),
}

/// All subscriptions of a session, in the order in which they hear.
#[derive(Default)]
pub struct Subscribers {
    all: Vec<Subscriber>,
}

impl Subscribers {
    /// Another one, after those with the same priority.
    pub fn insert(&mut self, subscriber: Subscriber) {
        let at = self.all.partition_point(|other| other.priority <= subscriber.priority);
        self.all.insert(at, subscriber);
    }

    /// Takes the one with this number away.
    pub fn remove(&mut self, number: u64) -> Option<Subscriber> {
        let at = self.all.iter().position(|subscriber| subscriber.number == number)?;
        Some(self.all.remove(at))
    }

    /// The one with this number.
    pub fn get(&self, number: u64) -> Option<&Subscriber> {
        self.all.iter().find(|subscriber| subscriber.number == number)
    }

    /// Whether one names itself so.
    pub fn has_id(&self, id: &Value) -> bool {
        self.all.iter().any(|subscriber| &subscriber.metadata["id"] == id)
    }

    /// How many the host has.
    pub fn of_host(&self) -> usize {
        self.all.iter().filter(|subscriber| matches!(subscriber.hears, Hears::Host(_))).count()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Subscriber> {
        self.all.iter()
    }

    /// Who hears of this event. A target that cannot be read is nobody.
    pub fn of(&self, event: &Value) -> (VecDeque<Receiver>, Vec<Arc<dyn Listener>>) {
        let (mut host, mut inside) = (VecDeque::new(), Vec::new());
        let target = match event.get("target").and_then(Value::as_str).unwrap_or_default().trim() {
            "" => None,
            text => match Expression::parse(text, "target") {
                Ok(target) => Some(target),
                Err(_) => return (host, inside),
            },
        };
        for subscriber in &self.all {
            let meant = target.as_ref().is_none_or(|target| target.matches(&subscriber.metadata));
            if meant && subscriber.expression.matches(event) {
                match &subscriber.hears {
                    Hears::Host(receiver) => host.push_back(*receiver),
                    Hears::Inside(listener) => inside.push(listener.clone()),
                }
            }
        }
        (host, inside)
    }
}

impl Subscriber {
    /// What the server is told, so that it sends what was subscribed to.
    pub fn announcement(&self) -> Value {
        json!({"subscriber": self.metadata, "subscription": self.text})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriber(number: u64, priority: i32, text: &str, metadata: Value) -> Subscriber {
        Subscriber {
            number,
            priority,
            text: text.to_owned(),
            expression: Expression::parse(text, "expression").unwrap(),
            metadata,
            hears: Hears::Host(Receiver { handle: number, tag: 0 }),
        }
    }

    fn hear(subscribers: &Subscribers, event: Value) -> Vec<u64> {
        subscribers.of(&event).0.iter().map(|receiver| receiver.handle).collect()
    }

    #[test]
    fn lower_priorities_hear_first_and_equal_ones_in_the_order_of_subscribing() {
        let mut subscribers = Subscribers::default();
        for (number, priority) in [(1, 100), (2, 10), (3, 100), (4, -5)] {
            subscribers.insert(subscriber(number, priority, "topic=a*", json!({})));
        }
        assert_eq!(hear(&subscribers, json!({"topic": "a.b"})), [4, 2, 1, 3]);
        subscribers.remove(2);
        assert_eq!(hear(&subscribers, json!({"topic": "a"})), [4, 1, 3]);
        assert_eq!(hear(&subscribers, json!({"topic": "b"})), [0; 0]);
    }

    #[test]
    fn a_target_is_compared_with_what_the_subscriber_says_of_itself() {
        let mut subscribers = Subscribers::default();
        subscribers.insert(subscriber(1, 0, "topic=*", json!({"id": "one", "applicationId": "ftrack.client.web"})));
        subscribers.insert(subscriber(2, 0, "topic=*", json!({"id": "two"})));
        let of = |target: &str| hear(&subscribers, json!({"topic": "a", "target": target}));
        assert_eq!(of(""), [1, 2]);
        assert_eq!(of("id=two"), [2]);
        assert_eq!(of("applicationId=ftrack.client.* or id=two"), [1, 2]);
        assert_eq!(of("((("), [0; 0]);
    }
}
