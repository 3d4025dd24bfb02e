//! What a host closes to pause a job, and opens to let it go on.

use tokio::sync::watch;

/// Open at first. Any thread may close and open it.
#[derive(Debug)]
pub struct Gate(watch::Sender<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    closed: bool,
    /// How often it was closed.
    times: u64,
}

impl Gate {
    /// Closes it, or opens it again.
    pub fn set_closed(&self, closed: bool) {
        self.0.send_if_modified(|state| {
            let changes = state.closed != closed;
            state.closed = closed;
            state.times += u64::from(changes && closed);
            changes
        });
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.0.borrow().closed
    }

    /// How often it was closed up to now.
    pub fn times_closed(&self) -> u64 {
        self.0.borrow().times
    }

    /// Completes when it is open.
    pub async fn opened(&self) {
        self.reached(false).await;
    }

    /// Completes when it is closed.
    pub async fn closed(&self) {
        self.reached(true).await;
    }

    async fn reached(&self, closed: bool) {
        // The sender is self, so the channel cannot end while this waits.
        let _ = self.0.subscribe().wait_for(|state| state.closed == closed).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Gate(watch::Sender::new(State::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_at_a_closed_gate_goes_on_when_it_opens() {
        let gate = Gate::default();
        gate.opened().await;
        gate.set_closed(true);
        gate.set_closed(true);
        gate.closed().await;
        assert_eq!((gate.is_closed(), gate.times_closed()), (true, 1));
        let (reached, ()) = tokio::join!(
            async {
                gate.opened().await;
                gate.is_closed()
            },
            async { gate.set_closed(false) }
        );
        assert!(!reached);
    }
}
