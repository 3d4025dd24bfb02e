//! Users, groups and what they may do.

use crate::model::attribute::{boolean, computed, datetime, id, key, many, mapped, metadata, one, part_of, text};
use crate::model::{Computed, Default, EntityType, Fill};

pub fn types() -> Vec<EntityType> {
    vec![
        resource(),
        base_user(),
        user(),
        group(),
        EntityType::new(
            "Membership",
            "membership",
            vec![
                id(),
                part_of("group_id", "Group").required(),
                part_of("user_id", "User").required(),
                one("group", "Group", "group_id").alias("membership_group"),
                one("user", "User", "user_id").alias("membership_user"),
            ],
        ),
        EntityType::new("UserType", "user_type", vec![id(), text("name")]).projects(&["id", "name"]),
        EntityType::new(
            "SecurityRole",
            "security_role",
            vec![
                id().alias("roleid"),
                text("name"),
                text("type").alias("typeid"),
                many("user_security_roles", "UserSecurityRole", "security_role_id").alias("userRoles"),
            ],
        )
        .alias("Auth_Role")
        .projects(&["id", "name"]),
        EntityType::new(
            "UserSecurityRole",
            "user_security_role",
            vec![
                id(),
                part_of("user_id", "User").alias("userid"),
                part_of("security_role_id", "SecurityRole").alias("roleid"),
                boolean("is_all_projects").alias("isallprojects").fill(Fill::False),
                boolean("is_all_open_projects").alias("isallprojects").fill(Fill::False),
                one("user", "User", "user_id"),
                one("security_role", "SecurityRole", "security_role_id").alias("role"),
                many("user_security_role_projects", "UserSecurityRoleProject", "user_security_role_id")
                    .alias("user_role_projects"),
            ],
        )
        .alias("Auth_UserRole")
        .projects(&["id", "user_id", "security_role_id"]),
        EntityType::new(
            "UserSecurityRoleProject",
            "user_security_role_project",
            vec![
                id(),
                part_of("user_security_role_id", "UserSecurityRole").alias("user_role_id"),
                part_of("project_id", "Project"),
                one("user_security_role", "UserSecurityRole", "user_security_role_id").alias("user_role"),
                one("project", "Project", "project_id"),
            ],
        )
        .alias("UserRoleProject")
        .projects(&["id", "user_security_role_id", "project_id"]),
        EntityType::new(
            "Appointment",
            "appointment",
            vec![
                id(),
                text("type").required().fill(Fill::Text("assignment")),
                part_of("resource_id", "Resource").required(),
                part_of("context_id", "Context").required(),
                one("resource", "Resource", "resource_id").alias("appointment_resource"),
                one("context", "Context", "context_id").alias("appointment_context"),
            ],
        ),
        EntityType::new(
            "Timer",
            "timer",
            vec![
                id(),
                text("name"),
                text("comment").default(Default::Text("")).required(),
                datetime("start").required().fill(Fill::Now),
                part_of("user_id", "User").required().fill(Fill::Caller),
                part_of("context_id", "Context"),
                one("user", "User", "user_id"),
                one("context", "Context", "context_id"),
            ],
        ),
    ]
}

fn resource() -> EntityType {
    EntityType::new(
        "Resource",
        "resource",
        vec![
            id(),
            text("resource_type").required().immutable().fill(Fill::Text("user")),
            many("appointments", "Appointment", "resource_id").alias("resource_appointments"),
            many("assignments", "Appointment", "resource_id").alias("resource_assignments"),
            many("allocations", "Appointment", "resource_id").alias("resource_allocations"),
        ],
    )
    .only_extended()
    .always(&["resource_type"])
}

/// What people have, whether they have an account or were only invited.
fn base_user() -> EntityType {
    EntityType::new(
        "BaseUser",
        "resource",
        vec![
            text("username").required(),
            text("first_name").alias("firstname"),
            text("last_name").alias("lastname"),
            text("email"),
            boolean("is_active").required().fill(Fill::False).alias("isactive"),
            key("thumbnail_id", "Component").alias("thumbid"),
            one("thumbnail", "Component", "thumbnail_id"),
            computed("thumbnail_url", Computed::ThumbnailUrl),
        ],
    )
    .only_extended()
    .extends("Resource")
}

fn user() -> EntityType {
    EntityType::new(
        "User",
        "resource",
        vec![
            text("resource_type").default(Default::Text("user")).required().immutable(),
            key("user_type_id", "UserType").alias("typeid"),
            boolean("require_details_update").fill(Fill::False),
            boolean("is_otp_enabled").fill(Fill::False).alias("otp_enabled"),
            boolean("is_totp_enabled").fill(Fill::False).alias("totp_enabled"),
            one("user_type", "UserType", "user_type_id").alias("type"),
            many("user_security_roles", "UserSecurityRole", "user_id").alias("userRoles"),
            many("memberships", "Membership", "user_id").alias("user_memberships"),
            mapped("custom_attributes", "UserCustomAttributeValue", "entity_id").alias("custom_attribute_values"),
            metadata(),
        ],
    )
    .extends("BaseUser")
    .classified_by("resource_type", "user")
}

fn group() -> EntityType {
    EntityType::new(
        "Group",
        "resource",
        vec![
            text("resource_type").default(Default::Text("group")).required().immutable(),
            text("name").default(Default::Text("")).required(),
            boolean("local").required().fill(Fill::False),
            part_of("parent_id", "Group").alias("group_id"),
            one("parent", "Group", "parent_id"),
            many("children", "Group", "parent_id"),
            many("memberships", "Membership", "group_id").alias("group_memberships"),
        ],
    )
    .extends("Resource")
    .classified_by("resource_type", "group")
}
