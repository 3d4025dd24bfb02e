//! What is made: each option and all together.

use super::host::{Staging, example};
use super::people::{attribute, project, staging_with_people};
use super::wish::{TASK, wish};
use ftreview::ffi::constants::*;
use serde_json::{Value, json};
