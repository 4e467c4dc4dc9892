//! Which bucket of an S3-compatible store holds the stored files, how it is reached, and with whose access key.

use std::fmt;
use std::path::Path;

use crate::error::{Error, Result};

#[cfg(feature = "s3")]
mod client;

#[cfg(feature = "s3")]
pub use client::Client;

/// A bucket, as the settings name it.
#[derive(Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// In front of the names of all objects, without slashes around it; may be empty.
    pub prefix: String,
    /// Where the store answers; Amazon's own address for the region where nothing is said.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// As whom.
    pub key: AccessKey,
}

/// What requests are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its name, which travels with each request.
    pub id: String,
    /// The secret, which never does.
    pub secret: String,
    /// Beside a key that was lent for a while.
    pub session: Option<String>,
}

impl fmt::Debug for Bucket {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({self})")
    }
}

impl fmt::Display for Bucket {
    /// As an operator would look for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "s3://{}{slash}{}", self.name, self.prefix)?;
        match &self.endpoint {
            Some(endpoint) => write!(f, " at {endpoint}"),
            None => write!(f, " in {}", self.region),
        }
    }
}

fn wrong(why: &str) -> Error {
    Error::Fault(format!("files-url: {why}; write s3://bucket or s3://bucket/prefix"))
}

impl Bucket {
    /// Reads `s3://bucket[/prefix]` and what belongs to it. The access key is in `credentials`, a file, or else in the environment; never in an address
    /// or on the command line, which everyone on the machine can read.
    pub fn new(url: &str, endpoint: Option<&str>, region: Option<&str>, credentials: Option<&Path>) -> Result<Self> {
        if !cfg!(feature = "s3") {
            return Err(Error::Fault("files-url: this program was built without S3; build it with --features s3".to_owned()));
        }
        let (name, prefix) = named(url)?;
        let endpoint = endpoint.map(checked_endpoint).transpose()?;
        let region = region.unwrap_or("us-east-1").to_owned();
        if region.is_empty() || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(Error::Fault(format!("s3-region: “{region}” is no region; write it as us-east-2")));
        }
        let key = match credentials {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|e| Error::fault(&format!("reading the access key in {}", file.display()), e))?;
                AccessKey::read(&text).ok_or_else(|| {
                    Error::Fault(format!(
                        "{}: it does not hold an access key; write two lines, aws_access_key_id = … and aws_secret_access_key = …",
                        file.display()
                    ))
                })?
            }
            None => AccessKey::from(|name| std::env::var(name).ok()).ok_or_else(|| {
                Error::Fault(
                    "files-url names a bucket, and there is no access key for it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file that \
                     holds them with s3-credentials-file"
                        .to_owned(),
                )
            })?,
        };
        Ok(Self { name, prefix, endpoint, region, key })
    }
}

impl AccessKey {
    /// From the environment, by the names that other programs use too.
    fn from(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let given = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Some(Self { id: given("AWS_ACCESS_KEY_ID")?, secret: given("AWS_SECRET_ACCESS_KEY")?, session: given("AWS_SESSION_TOKEN") })
    }

    /// From a file as other programs keep it: lines `name = value`, outside of any section or in `[default]`.
    fn read(text: &str) -> Option<Self> {
        let mut ours = true;
        let mut found = std::collections::BTreeMap::new();
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                ours = section.trim_end_matches(']').trim() == "default";
            } else if let Some((name, value)) = line.split_once('=').filter(|_| ours && !line.starts_with(['#', ';'])) {
                found.insert(name.trim().to_ascii_uppercase(), value.trim().to_owned());
            }
        }
        Self::from(|name| found.get(name).cloned())
    }
}

fn named(url: &str) -> Result<(String, String)> {
    let rest = url.strip_prefix("s3://").ok_or_else(|| wrong("only s3:// is known; without this setting files are in the data folder"))?;
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if name.contains(['@', ':']) {
        return Err(wrong("access key and port do not belong there: see s3-credentials-file and s3-endpoint"));
    }
    if name.len() < 3 || name.len() > 63 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err(wrong("it names no bucket"));
    }
    let prefix = prefix.trim_end_matches('/');
    let simple = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if !prefix.is_empty() && !prefix.split('/').all(simple) {
        return Err(wrong("a prefix is made of letters, digits, - . _ and single slashes"));
    }
    Ok((name.to_owned(), prefix.to_owned()))
}

/// `https://…`, or `http://` on this machine: evidence does not travel in the clear.
fn checked_endpoint(text: &str) -> Result<String> {
    let endpoint = text.trim_end_matches('/');
    let (scheme, authority) = endpoint.split_once("://").unwrap_or(("", endpoint));
    let host = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(authority, |(host, _)| host);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let here = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let plain = !bare.is_empty() && authority.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    match scheme {
        "https" | "http" if !plain => Err(Error::Fault(format!("s3-endpoint: “{text}” is no address; write https://s3.example.org"))),
        "https" => Ok(endpoint.to_owned()),
        "http" if here => Ok(endpoint.to_owned()),
        "http" => Err(Error::Fault(
            "s3-endpoint: http:// is for a store on this machine alone, because files would travel in the clear; write https://…".to_owned(),
        )),
        _ => Err(Error::Fault(format!("s3-endpoint: “{text}” is no address; write https://s3.example.org"))),
    }
}

#[cfg(all(test, feature = "s3"))]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_read_from_its_settings() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("credentials");
        std::fs::write(&file, "[other]\naws_access_key_id = NO\n[default]\n# ours\naws_access_key_id = AKIA1\naws_secret_access_key=a/b+c=\n")
            .unwrap();
        let bucket = Bucket::new("s3://records/a/b/", Some("https://s3.example.org/"), Some("eu-1"), Some(&file)).unwrap();
        assert_eq!((bucket.name.as_str(), bucket.prefix.as_str(), bucket.region.as_str()), ("records", "a/b", "eu-1"));
        assert_eq!((bucket.key.id.as_str(), bucket.key.secret.as_str(), bucket.key.session.as_ref()), ("AKIA1", "a/b+c=", None));
        assert_eq!(format!("{bucket:?}"), "Bucket(s3://records/a/b at https://s3.example.org)");
        assert_eq!(Bucket::new("s3://records", None, None, Some(&file)).unwrap().to_string(), "s3://records in us-east-1");
        for here in ["http://127.0.0.1:9000", "http://localhost:9000/", "http://[::1]:9000", "https://10.0.0.9:9000"] {
            assert!(Bucket::new("s3://records", Some(here), None, Some(&file)).is_ok(), "{here}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("credentials");
        std::fs::write(&file, "aws_access_key_id = AKIA1\naws_secret_access_key = hidden\n").unwrap();
        for (url, endpoint, region, why) in [
            ("https://records", None, None, "s3://bucket"),
            ("s3://", None, None, "no bucket"),
            ("s3://AKIA1:hidden@records", None, None, "s3-credentials-file"),
            ("s3://records/a//b", None, None, "prefix"),
            ("s3://records/../b", None, None, "prefix"),
            ("s3://records", Some("http://s3.example.org"), None, "in the clear"),
            ("s3://records", Some("http://127.0.0.1.example.org"), None, "in the clear"),
            ("s3://records", Some("s3.example.org"), None, "no address"),
            ("s3://records", Some("https://a@s3.example.org/x"), None, "no address"),
            ("s3://records", None, Some("eu 1"), "s3-region"),
        ] {
            let error = Bucket::new(url, endpoint, region, Some(&file)).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("hidden"), "{url} {endpoint:?}: {error}");
        }
        std::fs::write(&file, "AKIA1\nhidden\n").unwrap();
        let error = Bucket::new("s3://records", None, None, Some(&file)).unwrap_err().to_string();
        assert!(error.contains("aws_access_key_id") && !error.contains("hidden"), "{error}");
    }
}
