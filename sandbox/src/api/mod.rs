//! `POST /api`: a batch of operations, answered in order or not at all.

use axum::Router;

use crate::state::AppState;

/// The routes of this module.
pub fn routes(_state: AppState) -> Router {
    Router::new()
}
