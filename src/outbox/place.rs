//! The user's own outbox: where the system keeps what programs must not forget.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// What the environment says about the user's folders, read at one moment. The default says nothing.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// `XDG_STATE_HOME`.
    pub state_home: Option<OsString>,
    /// `HOME`.
    pub home: Option<OsString>,
    /// `LOCALAPPDATA`, on Windows.
    pub local_app_data: Option<OsString>,
}

impl Places {
    /// Reads the environment of this process: on the host's thread, because a host may change it at any time.
    pub fn capture() -> Places {
        Places {
            state_home: env::var_os("XDG_STATE_HOME"),
            home: env::var_os("HOME"),
            local_app_data: env::var_os("LOCALAPPDATA"),
        }
    }

    /// The folder of the user's own outbox; `None` where the environment does not say where the user's files are.
    pub(super) fn outbox(&self) -> Option<PathBuf> {
        // The XDG rules say that a path that is not absolute is to be ignored; the others are no better for it.
        let folder = |value: &Option<OsString>| value.as_ref().map(PathBuf::from).filter(|path| path.is_absolute());
        let base = if cfg!(windows) {
            folder(&self.local_app_data)?
        } else if cfg!(target_os = "macos") {
            folder(&self.home)?.join("Library/Application Support")
        } else {
            folder(&self.state_home).or_else(|| Some(folder(&self.home)?.join(".local/state")))?
        };
        Some(base.join("ftreview").join("outbox"))
    }
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_outbox_is_where_the_system_keeps_state() {
        let outbox = |state_home: Option<&str>, home: Option<&str>| {
            let places =
                Places { state_home: state_home.map(Into::into), home: home.map(Into::into), local_app_data: None };
            places.outbox().map(|path| path.to_str().unwrap().to_owned())
        };
        assert_eq!(outbox(Some("/state"), Some("/home/me")).unwrap(), "/state/ftreview/outbox");
        for not_said in [None, Some(""), Some("state"), Some("~/state")] {
            assert_eq!(outbox(not_said, Some("/home/me")).unwrap(), "/home/me/.local/state/ftreview/outbox");
            assert_eq!(outbox(not_said, not_said), None);
        }
    }
}
