//! ftrack
