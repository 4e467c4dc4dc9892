//! Opens XML within bounds, and XML and JSON as one kind of tree, so that a report that comes in both is read once.

use std::collections::HashMap;

use roxmltree::{Document, Error, ParsingOptions};
use serde_json::Value;

/// Elements deeper than this are left out; reports have about ten levels.
const MAX_DEPTH: usize = 48;
/// More nodes than any report has.
const MAX_NODES: u32 = 400_000;
/// More attributes than any element of a report has. Each is compared with all others of its element.
const MAX_ATTRIBUTES: usize = 100;
/// More declarations of namespaces than any report has. Elements inherit them, and each is compared with those that it has itself.
const MAX_NAMESPACES: usize = 1_000;
/// The first parts of names that a customer's transform joins with dots.
const FLATTENED: &[&str] = &["description.", "hardware.", "software.", "erasure.", "disk.", "target.", "user_data."];

/// A name with a text or with further nodes.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// In lower case, with `_` for whatever is neither letter nor digit; attributes begin with `@`.
    pub(super) name: String,
    /// Its own text without the blanks around it.
    pub(super) text: String,
    /// In the order of the file.
    pub(super) children: Vec<Node>,
    /// Where the first child of each name stands, once a dotted name has been put here.
    pub(super) places: Option<HashMap<String, usize>>,
}

impl Node {
    pub(super) fn new(name: &str) -> Self {
        let normal = |c: char| if c.is_alphanumeric() || c == '@' { c.to_ascii_lowercase() } else { '_' };
        Self { name: name.trim().chars().map(normal).collect(), ..Self::default() }
    }
    /// `Err`: a sentence that says why not.
    pub(super) fn of_xml(text: &str) -> Result<Self, String> {
        let document = document(text).map_err(|error| match error {
            Error::DtdDetected => "The XML has a DOCTYPE and was not read; ask the vendor for the report as the tool wrote it.".to_owned(),
            Error::NodesLimitReached => {
                "The XML has more elements, or more attributes of one, than any report has and was not read; ask the vendor for smaller files."
                    .to_owned()
            }
            _ => "The XML is cut off or damaged and nothing in it was read; ask the vendor for the file again.".to_owned(),
        })?;
        Ok(of_element(document.root_element(), 0))
    }
    pub(super) fn of_json(value: &Value) -> Self {
        let mut root = Self::new("");
        match value {
            Value::Array(_) => root.put_member("report", value, 0),
            _ => root.put_json(value, 0),
        }
        root
    }
    /// Adds a text by its name; a dotted name of a flattened report is the path that it was made from.
    pub(super) fn put(&mut self, name: &str, node: Self) {
        match name.split_once('.').filter(|_| FLATTENED.iter().any(|part| name.to_ascii_lowercase().starts_with(part)) || self.is_flattened()) {
            // A few levels only: names are the file's.
            Some((first, rest)) if name.matches('.').count() < 12 => {
                let first = Self::new(first);
                let place = self.place_of(&first.name);
                if place == self.children.len() {
                    self.children.push(first);
                }
                if let Some(child) = self.children.get_mut(place) {
                    child.text = DOTTED.to_owned();
                    child.put(rest, node);
                }
            }
            _ => {
                let name = Self::new(name).name;
                if let Some(places) = &mut self.places {
                    places.entry(name.clone()).or_insert(self.children.len());
                }
                self.children.push(Self { name, ..node });
            }
        }
    }
    /// Where the first child of this name stands, or the next one will.
    fn place_of(&mut self, name: &str) -> usize {
        let places = self.places.get_or_insert_with(|| {
            let mut places = HashMap::new();
            for (place, child) in self.children.iter().enumerate() {
                places.entry(child.name.clone()).or_insert(place);
            }
            places
        });
        *places.entry(name.to_owned()).or_insert(self.children.len())
    }
    /// Whether its children's names were parts of dotted names.
    pub(super) fn is_flattened(&self) -> bool {
        self.text == DOTTED
    }
    /// The text of the first child of this name that has one.
    pub(super) fn leaf(&self, name: &str) -> Option<&str> {
        self.children.iter().filter(|child| child.name == name).map(|child| child.text.as_str()).find(|text| is_said(text))
    }
    /// The first of these names that a child with a text has.
    pub(super) fn leaf_of(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.leaf(name)).map(str::to_owned)
    }
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
    /// Every node below of which `told` is true, in the order of the file.
    pub(super) fn all<'a>(&'a self, told: &dyn Fn(&Node) -> bool) -> Vec<&'a Self> {
        let mut found = Vec::new();
        self.gather(told, &mut found);
        found
    }
    fn gather<'a>(&'a self, told: &dyn Fn(&Node) -> bool, found: &mut Vec<&'a Self>) {
        for child in &self.children {
            if told(child) {
                found.push(child);
            }
            child.gather(told, found);
        }
    }
    /// The text of the first node below that has this name and a text.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.children.iter().find_map(|child| match child.name == name && is_said(&child.text) {
            true => Some(child.text.as_str()),
            false => child.find(name),
        })
    }
    fn put_json(&mut self, value: &Value, depth: usize) {
        match value {
            _ if depth > MAX_DEPTH => {}
            Value::Object(members) => {
                for (name, value) in members.iter().filter(|(name, _)| *name != "@type") {
                    self.put_member(name, value, depth);
                }
            }
            // One member each: the parts of one thing, as Blancco's cloud writes an object.
            Value::Array(items) => items.iter().for_each(|item| self.put_json(item, depth + 1)),
            Value::Null => {}
            Value::String(text) => self.text = text.trim().to_owned(),
            other => self.text = other.to_string(),
        }
    }
    fn put_member(&mut self, name: &str, value: &Value, depth: usize) {
        let several = |item: &Value| item.as_object().is_some_and(|members| members.keys().filter(|name| !name.starts_with('@')).count() > 1);
        match value {
            Value::Array(items) if items.iter().any(several) => {
                for item in items {
                    self.put_member(name, item, depth + 1);
                }
            }
            _ => {
                let mut node = Self::default();
                node.put_json(value, depth + 1);
                self.put(name, node);
            }
        }
    }
}

/// XML that is whole, of a bounded size, and without a DOCTYPE.
pub(super) fn document(text: &str) -> Result<Document<'_>, Error> {
    let text = text.trim_start();
    if text.matches("xmlns").take(MAX_NAMESPACES + 1).count() > MAX_NAMESPACES || most_attributes(text) > MAX_ATTRIBUTES {
        return Err(Error::NodesLimitReached);
    }
    Document::parse_with_options(text, ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() })
}

/// Of the element that has the most; the signs of equality in its tag, outside of the values.
fn most_attributes(text: &str) -> usize {
    let mut most = 0;
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once('<') {
        let apart = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")].into_iter().find(|(begin, _)| tag.starts_with(begin));
        if let Some((begin, end)) = apart {
            let inner = tag.get(begin.len()..).unwrap_or_default();
            rest = inner.split_once(end).map_or("", |(_, rest)| rest);
            continue;
        }
        let (mut count, mut quote, mut end) = (0, None, tag.len());
        for (at, byte) in tag.bytes().enumerate() {
            match (quote, byte) {
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => count += 1,
                (None, b'>') => {
                    end = at;
                    break;
                }
                (Some(open), _) if open == byte => quote = None,
                _ => {}
            }
        }
        most = most.max(count);
        rest = tag.get(end..).unwrap_or_default();
    }
    most
}

/// Stands as the text of a node that was only ever a part of a dotted name.
const DOTTED: &str = "\u{0}dotted";

fn is_said(text: &str) -> bool {
    !text.is_empty() && text != DOTTED
}

fn of_element(element: roxmltree::Node, depth: usize) -> Node {
    let tag = element.tag_name().name();
    let named = matches!(tag.to_ascii_lowercase().as_str(), "entry" | "entries");
    let mut node = Node::new(element.attribute("name").filter(|_| named).unwrap_or(tag));
    for attribute in element.attributes().filter(|_| !named) {
        let mut child = Node::new(&format!("@{}", attribute.name()));
        attribute.value().trim().clone_into(&mut child.text);
        node.children.push(child);
    }
    let mut text = String::new();
    for part in element.children() {
        if part.is_element() && depth < MAX_DEPTH {
            let child = of_element(part, depth + 1);
            let name =
                if child.name.is_empty() || part.tag_name().name().contains('.') { part.tag_name().name().to_owned() } else { child.name.clone() };
            node.put(&name, child);
        } else if part.is_text() {
            text.push_str(part.text().unwrap_or_default());
        }
    }
    if !node.is_flattened() {
        text.trim().clone_into(&mut node.text);
    }
    node
}
