//! `ftrack.update`.
