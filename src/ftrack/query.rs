//! Query texts. What the program writes (types, attributes) must be `'static`; what users write
//! goes in as a value, is quoted and escaped, and so never becomes part of the language.

use std::fmt::{self, Display};

/// A query: `select <attributes> from <type> where <filter> order by <attribute> limit <count>`.
#[derive(Clone, Debug)]
pub struct Query {
    entity_type: &'static str,
    attributes: Vec<&'static str>,
    filter: Option<Filter>,
    order: Vec<(&'static str, Order)>,
    limit: Option<u32>,
}

/// The direction of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A value in a query: text in quotes, or a whole number as it is.
#[derive(Clone, Debug)]
pub struct Literal(String);

/// What an entity must fulfil. Combined filters are put in parentheses, so that no precedence is to be known.
#[derive(Clone, Debug)]
pub struct Filter(String);

impl Query {
    /// All entities of a type, with these attributes of each; a dot follows a relation, as in `status.name`.
    pub fn select(attributes: &[&'static str], entity_type: &'static str) -> Self {
        Query { entity_type, attributes: attributes.to_vec(), filter: None, order: Vec::new(), limit: None }
    }

    /// Only those that fulfil the filter, and any filter given before.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(before) => before.and(filter),
            None => filter,
        });
        self
    }

    /// Sorted by the attribute, after any order given before.
    pub fn order_by(mut self, attribute: &'static str, order: Order) -> Self {
        self.order.push((attribute, order));
        self
    }

    /// At most `count`.
    pub fn limit(mut self, count: u32) -> Self {
        self.limit = Some(count);
        self
    }
}

impl Filter {
    /// The attribute has this value. As everywhere, the server decides what upper and lower case mean.
    pub fn equals(attribute: &'static str, value: impl Into<Literal>) -> Self {
        Filter(format!("{attribute} is {}", value.into()))
    }

    /// The attribute has one of these values. With no values nothing fulfils it. Servers refuse long lists: keep to 200.
    pub fn within<T: Into<Literal>>(attribute: &'static str, values: impl IntoIterator<Item = T>) -> Self {
        let values: Vec<String> = values.into_iter().map(|value| value.into().to_string()).collect();
        // An empty list is an error to the server; an attribute that is and is not none is nowhere.
        match values.is_empty() {
            true => Filter(format!("({attribute} is none and {attribute} is_not none)")),
            false => Filter(format!("{attribute} in ({})", values.join(", "))),
        }
    }

    /// The attribute's text has this in it. What is searched for must have no `%` and `_`, which fit anything.
    pub fn contains(attribute: &'static str, part: &str) -> Self {
        Filter(format!("{attribute} like {}", Literal::from(format!("%{part}%"))))
    }

    /// The one that a relation leads to fulfils the filter, as in `parent has (...)`.
    pub fn has(relation: &'static str, filter: Filter) -> Self {
        Filter(format!("{relation} has ({filter})"))
    }

    /// Both.
    pub fn and(self, other: Filter) -> Self {
        Filter(format!("({self} and {other})"))
    }

    /// One of them, or both.
    pub fn or(self, other: Filter) -> Self {
        Filter(format!("({self} or {other})"))
    }
}

impl Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "select {} from {}", self.attributes.join(", "), self.entity_type)?;
        if let Some(filter) = &self.filter {
            write!(f, " where {filter}")?;
        }
        for (index, (attribute, order)) in self.order.iter().enumerate() {
            let separator = if index == 0 { " order by" } else { "," };
            let direction = if *order == Order::Ascending { "asc" } else { "desc" };
            write!(f, "{separator} {attribute} {direction}")?;
        }
        if let Some(limit) = self.limit {
            write!(f, " limit {limit}")?;
        }
        Ok(())
    }
}

impl From<&str> for Literal {
    /// In double quotes, `"` and `\` escaped by a backslash.
    fn from(value: &str) -> Self {
        let mut quoted = String::with_capacity(value.len() + 2);
        quoted.push('"');
        for character in value.chars() {
            if matches!(character, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(character);
        }
        quoted.push('"');
        Literal(quoted)
    }
}

impl From<&String> for Literal {
    fn from(value: &String) -> Self {
        value.as_str().into()
    }
}

impl From<String> for Literal {
    fn from(value: String) -> Self {
        value.as_str().into()
    }
}

impl From<i64> for Literal {
    fn from(value: i64) -> Self {
        Literal(value.to_string())
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_wrote_stays_one_quoted_value() {
        let filter = Filter::equals("name", r#"6" \ lens" or name like "%"#);
        assert_eq!(filter.to_string(), r#"name is "6\" \\ lens\" or name like \"%""#);
        assert_eq!(Filter::equals("name", "limit 5").to_string(), r#"name is "limit 5""#);
    }

    #[test]
    fn a_query_has_its_clauses_in_the_order_of_the_language() {
        let query = Query::select(&["id", "status.name"], "AssetVersion")
            .limit(2)
            .order_by("version", Order::Descending)
            .order_by("id", Order::Ascending)
            .filter(Filter::equals("asset_id", "a1"))
            .filter(Filter::equals("version", 3).or(Filter::equals("version", 4)));
        assert_eq!(
            query.to_string(),
            "select id, status.name from AssetVersion where (asset_id is \"a1\" and (version is 3 or version is 4)) \
             order by version desc, id asc limit 2"
        );
    }

    #[test]
    fn lists_and_relations_are_written_as_the_server_reads_them() {
        assert_eq!(Filter::within("id", ["a", "b"]).to_string(), r#"id in ("a", "b")"#);
        let none: [&str; 0] = [];
        assert_eq!(Filter::within("id", none).to_string(), "(id is none and id is_not none)");
        let shot = Filter::has("parent", Filter::equals("name", "sh010"));
        assert_eq!(shot.to_string(), r#"parent has (name is "sh010")"#);
    }
}
