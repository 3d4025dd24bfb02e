//! The staging server.
pub mod storage;
