//! The staging server.
