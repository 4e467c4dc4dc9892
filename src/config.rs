//! Settings: each is a flag, an environment variable and a line of one TOML file; flags win over the environment, the environment over the file.
//! A setting that nobody knows is an error.

mod mail;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::store::DatabaseUrl;
use crate::store::bucket::Bucket;

pub use mail::{Mail, Smtp, Tls};

/// Settings as one source gives them.
#[derive(Clone, Debug, Default, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Given {
    /// The folder of the record: database, stored files [default: ./quittance-data]
    #[arg(long, value_name = "DIR", env = "QUITTANCE_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// The folder of the keys [default: ./keys]
    #[arg(long, value_name = "DIR", env = "QUITTANCE_KEYS", global = true)]
    pub keys: Option<PathBuf>,
    /// The database, sqlite://PATH or postgres://… [default: a file in the data folder]
    #[arg(long, value_name = "URL", env = "QUITTANCE_DATABASE_URL", global = true)]
    pub database_url: Option<String>,
    /// A bucket for the stored files, s3://BUCKET/PREFIX, in any store that speaks S3 [default: a folder in the data folder]
    #[arg(long, value_name = "URL", env = "QUITTANCE_FILES_URL", global = true)]
    pub files_url: Option<String>,
    /// Where that store answers, as https://s3.example.org [default: Amazon's address for the region]
    #[arg(long, value_name = "URL", env = "QUITTANCE_S3_ENDPOINT", global = true)]
    pub s3_endpoint: Option<String>,
    /// The region of the bucket [default: us-east-1]
    #[arg(long, value_name = "REGION", env = "QUITTANCE_S3_REGION", global = true)]
    pub s3_region: Option<String>,
    /// A file with the access key: aws_access_key_id = … and aws_secret_access_key = … [default: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY]
    #[arg(long, value_name = "FILE", env = "QUITTANCE_S3_CREDENTIALS_FILE", global = true)]
    pub s3_credentials_file: Option<PathBuf>,
    /// Where the service listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "QUITTANCE_LISTEN", global = true)]
    pub listen: Option<String>,
    /// Requests a minute of a person who is signed in with a browser; 0 is no limit [default: 300]
    #[arg(long, value_name = "N", env = "QUITTANCE_PERSON_RATE", global = true)]
    pub person_rate: Option<u32>,
    /// Requests a minute with one bearer token; 0 is no limit [default: 600]
    #[arg(long, value_name = "N", env = "QUITTANCE_TOKEN_RATE", global = true)]
    pub token_rate: Option<u32>,
    /// Requests a minute from one address without a token; 0 is no limit [default: 60]
    #[arg(long, value_name = "N", env = "QUITTANCE_PUBLIC_RATE", global = true)]
    pub public_rate: Option<u32>,
    /// Tries to sign in a minute from one address; 0 is no limit [default: 10]
    #[arg(long, value_name = "N", env = "QUITTANCE_SIGN_IN_RATE", global = true)]
    pub sign_in_rate: Option<u32>,
    /// Whether administrators and approvers need a second factor beside a password [default: true]
    #[arg(long, value_name = "BOOL", env = "QUITTANCE_SECOND_FACTOR", global = true)]
    pub second_factor: Option<bool>,
    /// Another sign-in that people may use: the issuer of an OpenID Connect provider, as https://accounts.google.com [default: none]
    #[arg(long, value_name = "URL", env = "QUITTANCE_OIDC_ISSUER", global = true)]
    pub oidc_issuer: Option<String>,
    /// What this service is called there
    #[arg(long, value_name = "ID", env = "QUITTANCE_OIDC_CLIENT_ID", global = true)]
    pub oidc_client_id: Option<String>,
    /// The file with the secret that this service has there
    #[arg(long, value_name = "FILE", env = "QUITTANCE_OIDC_CLIENT_SECRET_FILE", global = true)]
    pub oidc_client_secret_file: Option<PathBuf>,
    /// The only domain whose e-mail addresses count there, as example.org [default: any that somebody was invited by]
    #[arg(long, value_name = "DOMAIN", env = "QUITTANCE_OIDC_DOMAIN", global = true)]
    pub oidc_domain: Option<String>,
    /// Connections at once from one address; 0 is no limit [default: 100]
    #[arg(long, value_name = "N", env = "QUITTANCE_ADDRESS_CONNECTIONS", global = true)]
    pub address_connections: Option<u32>,
    /// Reverse proxies whose X-Forwarded-For is believed, as 10.0.0.0/8,::1 [default: none]
    #[arg(long, value_name = "NETWORKS", env = "QUITTANCE_TRUSTED_PROXY", global = true)]
    pub trusted_proxy: Option<String>,
    /// The mail server, smtps://NAME@HOST or smtp://NAME@HOST:587, with STARTTLS [default: none; letters are written to the data folder]
    #[arg(long, value_name = "URL", env = "QUITTANCE_SMTP_URL", global = true)]
    pub smtp_url: Option<String>,
    /// A file with the password for the mail server
    #[arg(long, value_name = "FILE", env = "QUITTANCE_SMTP_PASSWORD_FILE", global = true)]
    pub smtp_password_file: Option<PathBuf>,
    /// A file with certificates (PEM) of authorities that may vouch for the mail server besides the known ones
    #[arg(long, value_name = "FILE", env = "QUITTANCE_SMTP_CA_FILE", global = true)]
    pub smtp_ca_file: Option<PathBuf>,
    /// In whose name letters are sent, as "Records <records@example.org>"
    #[arg(long, value_name = "ADDRESS", env = "QUITTANCE_MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// The certificate for HTTPS, PEM, with those between it and its authority; taken up again when the file changes
    #[arg(long, value_name = "FILE", env = "QUITTANCE_TLS_CERTIFICATE", global = true)]
    pub tls_certificate: Option<PathBuf>,
    /// The private key of that certificate, PEM, without a passphrase
    #[arg(long, value_name = "FILE", env = "QUITTANCE_TLS_KEY", global = true)]
    pub tls_key: Option<PathBuf>,
    /// Serve in the clear to everyone, although tokens can then be read on the way [default: only on this machine]
    #[arg(long, value_name = "true", env = "QUITTANCE_INSECURE_HTTP", global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub insecure_http: Option<bool>,
    /// Whom someone who finds a device should call or write to, as labels' pages show it [default: the organisation's name alone]
    #[arg(long, value_name = "TEXT", env = "QUITTANCE_FOUND_CONTACT", global = true)]
    pub found_contact: Option<String>,
}

/// The environment variables that are settings; a token is one for those who speak to a running service.
const VARIABLES: &[&str] = &[
    "QUITTANCE_DATA",
    "QUITTANCE_KEYS",
    "QUITTANCE_DATABASE_URL",
    "QUITTANCE_FILES_URL",
    "QUITTANCE_S3_ENDPOINT",
    "QUITTANCE_S3_REGION",
    "QUITTANCE_S3_CREDENTIALS_FILE",
    "QUITTANCE_LISTEN",
    "QUITTANCE_PERSON_RATE",
    "QUITTANCE_TOKEN_RATE",
    "QUITTANCE_PUBLIC_RATE",
    "QUITTANCE_SIGN_IN_RATE",
    "QUITTANCE_SECOND_FACTOR",
    "QUITTANCE_OIDC_ISSUER",
    "QUITTANCE_OIDC_CLIENT_ID",
    "QUITTANCE_OIDC_CLIENT_SECRET_FILE",
    "QUITTANCE_OIDC_DOMAIN",
    "QUITTANCE_ADDRESS_CONNECTIONS",
    "QUITTANCE_TRUSTED_PROXY",
    "QUITTANCE_SMTP_URL",
    "QUITTANCE_SMTP_PASSWORD_FILE",
    "QUITTANCE_SMTP_CA_FILE",
    "QUITTANCE_MAIL_FROM",
    "QUITTANCE_TLS_CERTIFICATE",
    "QUITTANCE_TLS_KEY",
    "QUITTANCE_INSECURE_HTTP",
    "QUITTANCE_FOUND_CONTACT",
    "QUITTANCE_CONFIG",
    "QUITTANCE_TOKEN",
];

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the record.
    pub data: PathBuf,
    /// The folder of the keys.
    pub keys: PathBuf,
    /// The database.
    pub database: DatabaseUrl,
    /// The bucket that holds the stored files; without one they are in the data folder.
    pub bucket: Option<Bucket>,
    /// Where the service listens.
    pub listen: String,
    /// How much anyone may ask of it.
    pub limits: Limits,
    /// How it is reached.
    pub serving: Serving,
    /// How letters leave.
    pub mail: Mail,
    /// How people sign in.
    pub sign_in: SignIn,
}

/// How people sign in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Whether administrators and approvers need a second factor beside a password.
    pub second_factor: bool,
    /// Another sign-in that they may use.
    pub oidc: Option<Oidc>,
}

impl Default for SignIn {
    fn default() -> Self {
        Self { second_factor: true, oidc: None }
    }
}

/// An OpenID Connect provider.
#[derive(Clone)]
pub struct Oidc {
    /// Its issuer, exactly as it writes it.
    pub issuer: String,
    /// What this service is called there.
    pub client_id: String,
    /// The secret that this service has there; none where PKCE has to do.
    pub client_secret: Option<String>,
    /// The only domain whose e-mail addresses count.
    pub domain: Option<String>,
}

impl std::fmt::Debug for Oidc {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.issuer).field("client_id", &self.client_id).field("domain", &self.domain).finish_non_exhaustive()
    }
}

impl Oidc {
    fn new(issuer: Option<String>, client_id: Option<String>, secret: Option<PathBuf>, domain: Option<String>) -> Result<Option<Self>> {
        let (Some(issuer), Some(client_id)) = (issuer.clone(), client_id.clone()) else {
            if issuer.is_some() || client_id.is_some() || secret.is_some() || domain.is_some() {
                return Err(Error::Fault("oidc-issuer and oidc-client-id belong together; set both or none".to_owned()));
            }
            return Ok(None);
        };
        let here = |host: &str| host.starts_with("localhost") || host.starts_with("127.0.0.1");
        if !issuer.starts_with("https://") && !issuer.strip_prefix("http://").is_some_and(here) {
            return Err(Error::Fault(format!("oidc-issuer: “{issuer}” is not on https")));
        }
        let read = |path: &PathBuf| std::fs::read_to_string(path).map_err(|e| Error::fault(&format!("reading {}", path.display()), e));
        let client_secret = secret.as_ref().map(read).transpose()?.map(|secret| secret.trim().to_owned());
        Ok(Some(Self { issuer, client_id, client_secret, domain }))
    }
}

/// How the service is reached: over HTTPS or in the clear, and whom its public page names.
#[derive(Clone, Debug, Default)]
pub struct Serving {
    /// The files for HTTPS.
    pub tls: Option<TlsFiles>,
    /// Plain HTTP for everyone, because somebody insists.
    pub insecure_http: bool,
    /// Whom someone who finds a device should call or write to.
    pub found_contact: Option<String>,
}

impl Serving {
    /// Whether everyone may come in the clear: then pages say so.
    pub fn is_insecure(&self) -> bool {
        self.insecure_http && self.tls.is_none()
    }
}

/// The files for HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those between it and its authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// How much anyone may ask of the service, and how long it waits.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests a minute of a person who is signed in with a browser; 0 is no limit.
    pub person_rate: u32,
    /// Requests a minute with one bearer token; 0 is no limit.
    pub token_rate: u32,
    /// Requests a minute from one address without a token; 0 is no limit.
    pub public_rate: u32,
    /// Tries to sign in a minute from one address; 0 is no limit.
    pub sign_in_rate: u32,
    /// Connections at once from one address; 0 is no limit.
    pub address_connections: u32,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
    /// For a request's head to arrive.
    pub head_time: Duration,
    /// For a request's body to arrive, and one second more for every 64 KB that came.
    pub body_time: Duration,
    /// For the next request on a connection.
    pub idle_time: Duration,
    /// For an answer, after which the client is told to come back.
    pub answer_time: Duration,
    /// How often the service looks for exceptions by itself; never where none is given.
    pub look_every: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            person_rate: 300,
            token_rate: 600,
            public_rate: 60,
            sign_in_rate: 10,
            address_connections: 100,
            trusted_proxies: Networks::default(),
            head_time: Duration::from_secs(5),
            body_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(60),
            answer_time: Duration::from_secs(10),
            look_every: Some(Duration::from_secs(1)),
        }
    }
}

impl Limits {
    /// Nobody is counted, and nothing is recorded but what somebody asked for.
    pub fn uncounted() -> Self {
        Self { person_rate: 0, token_rate: 0, public_rate: 0, sign_in_rate: 0, address_connections: 0, look_every: None, ..Self::default() }
    }
}

/// Ranges of addresses, each by its first bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<(IpAddr, u8)>);

impl Networks {
    /// Reads `10.0.0.0/8, 192.0.2.7, ::1`.
    pub fn parse(text: &str) -> Result<Self> {
        let read = |part: &str| {
            let (address, bits) = part.split_once('/').map_or((part, None), |(address, bits)| (address, Some(bits)));
            let address: IpAddr = address.parse().ok()?;
            let most: u8 = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
            (bits <= most).then_some((address, bits))
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| read(part).ok_or_else(|| Error::Fault(format!("trusted-proxy: “{part}” is no network; write 10.0.0.0/8,192.0.2.7,::1"))))
            .collect::<Result<_>>()
            .map(Self)
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Whether an address lies in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u8, bits: u8| (a ^ b).checked_shr(u32::from(width - bits)).is_none_or(|differing| differing == 0);
        self.0.iter().any(|(network, bits)| match (network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => same(u128::from(network.to_bits()), u128::from(address.to_bits()), 32, *bits),
            (IpAddr::V6(network), IpAddr::V6(address)) => same(network.to_bits(), address.to_bits(), 128, *bits),
            _ => false,
        })
    }
}

impl Config {
    /// Puts together flags (with the environment) and the file. `data` and `keys` are where they are if nobody says otherwise.
    pub fn new(given: &Given, file: Option<&PathBuf>, data: &str, keys: Option<&str>) -> Result<Self> {
        // Test settings share the prefix: they are read by the tests alone.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("QUITTANCE_") && !name.starts_with("QUITTANCE_TEST_") && !VARIABLES.contains(&name.as_ref()) {
                return Err(Error::Fault(format!("the environment variable {name} is no setting; the settings are {}", VARIABLES.join(", "))));
            }
        }
        let filed = match file {
            None => Given::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| Error::fault(&format!("reading {}", path.display()), e))?;
                toml::from_str(&text).map_err(|e| Error::fault(&format!("{}", path.display()), e))?
            }
        };
        let mail = Mail::new(given, &filed)?;
        let bucket = bucket(given, &filed)?;
        let data = given.data.clone().or(filed.data).unwrap_or_else(|| PathBuf::from(data));
        let keys = given.keys.clone().or(filed.keys).unwrap_or_else(|| keys.map_or_else(|| data.join("keys"), PathBuf::from));
        let database = match given.database_url.clone().or(filed.database_url) {
            Some(url) => DatabaseUrl::parse(&url)?,
            None => DatabaseUrl::in_folder(&data),
        };
        let listen = given.listen.clone().or(filed.listen).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let usual = Limits::default();
        let limits = Limits {
            person_rate: given.person_rate.or(filed.person_rate).unwrap_or(usual.person_rate),
            token_rate: given.token_rate.or(filed.token_rate).unwrap_or(usual.token_rate),
            public_rate: given.public_rate.or(filed.public_rate).unwrap_or(usual.public_rate),
            sign_in_rate: given.sign_in_rate.or(filed.sign_in_rate).unwrap_or(usual.sign_in_rate),
            address_connections: given.address_connections.or(filed.address_connections).unwrap_or(usual.address_connections),
            trusted_proxies: Networks::parse(given.trusted_proxy.as_ref().or(filed.trusted_proxy.as_ref()).map_or("", String::as_str))?,
            ..usual
        };
        let sign_in = SignIn {
            second_factor: given.second_factor.or(filed.second_factor).unwrap_or(true),
            oidc: Oidc::new(
                given.oidc_issuer.clone().or(filed.oidc_issuer),
                given.oidc_client_id.clone().or(filed.oidc_client_id),
                given.oidc_client_secret_file.clone().or(filed.oidc_client_secret_file),
                given.oidc_domain.clone().or(filed.oidc_domain),
            )?,
        };
        let certificate = given.tls_certificate.clone().or(filed.tls_certificate);
        let tls = match (certificate, given.tls_key.clone().or(filed.tls_key)) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            (Some(_), None) => return Err(Error::Fault("tls-certificate is given without tls-key: name the file of its private key too".to_owned())),
            (None, Some(_)) => return Err(Error::Fault("tls-key is given without tls-certificate: name the file of its certificate too".to_owned())),
        };
        let insecure_http = given.insecure_http.or(filed.insecure_http).unwrap_or(false);
        let found_contact = given.found_contact.clone().or(filed.found_contact).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if found_contact.as_ref().is_some_and(|text| text.chars().count() > 120 || text.chars().any(char::is_control)) {
            return Err(Error::Fault("found-contact has at most 120 characters on one line, as “+1 937 555 0100”".to_owned()));
        }
        Ok(Self { data, keys, database, bucket, listen, limits, serving: Serving { tls, insecure_http, found_contact }, sign_in, mail })
    }
}

/// Where the stored files are, if not in the data folder.
fn bucket(given: &Given, filed: &Given) -> Result<Option<Bucket>> {
    let endpoint = given.s3_endpoint.as_ref().or(filed.s3_endpoint.as_ref());
    let region = given.s3_region.as_ref().or(filed.s3_region.as_ref());
    let credentials = given.s3_credentials_file.as_ref().or(filed.s3_credentials_file.as_ref());
    match given.files_url.as_ref().or(filed.files_url.as_ref()) {
        Some(url) => Bucket::new(url, endpoint.map(String::as_str), region.map(String::as_str), credentials.map(PathBuf::as_path)).map(Some),
        None if endpoint.is_some() || region.is_some() || credentials.is_some() => {
            Err(Error::Fault("files-url is missing, and settings for it are given; write s3://bucket or s3://bucket/prefix".to_owned()))
        }
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_unknown_lines_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quittance.toml");
        std::fs::write(&file, "data = \"/srv/a\"\nlisten = \"127.0.0.1:9\"\ntoken-rate = 0\ntrusted-proxy = \"10.1.0.0/16\"\n").unwrap();
        let given = Given { listen: Some("127.0.0.1:1".to_owned()), public_rate: Some(7), ..Given::default() };
        let config = Config::new(&given, Some(&file), "./quittance-data", None).unwrap();
        assert_eq!((config.data.to_str(), config.listen.as_str()), (Some("/srv/a"), "127.0.0.1:1"));
        assert_eq!((config.limits.person_rate, config.limits.token_rate, config.limits.public_rate), (300, 0, 7));
        assert!(
            config.limits.trusted_proxies.contain("10.1.2.3".parse().unwrap()) && !config.limits.trusted_proxies.contain("10.2.0.1".parse().unwrap())
        );
        assert!(config.serving.tls.is_none() && !config.serving.insecure_http);
        let alone = [
            ("tls-key = \"k\"", "tls-certificate"),
            ("tls-certificate = \"c\"", "tls-key"),
            ("s3-endpoint = \"https://s3.example.org\"", "files-url"),
        ];
        for (alone, missing) in alone {
            std::fs::write(&file, alone).unwrap();
            assert!(Config::new(&given, Some(&file), ".", None).unwrap_err().to_string().contains(missing), "{alone}");
        }
        std::fs::write(&file, "dota = \"/srv/a\"\n").unwrap();
        assert!(Config::new(&given, Some(&file), ".", None).unwrap_err().to_string().contains("dota"));
    }

    #[test]
    fn networks_are_told_apart_by_their_first_bits() {
        let networks = Networks::parse("10.0.0.0/8, 192.0.2.7 ,2001:db8::/33,::1").unwrap();
        let inside = |address: &str| networks.contain(address.parse().unwrap());
        for address in ["10.255.0.1", "192.0.2.7", "2001:db8:7fff::1", "::1", "::ffff:10.0.0.9"] {
            assert!(inside(address), "{address}");
        }
        for address in ["11.0.0.1", "192.0.2.6", "2001:db8:8000::1", "::2", "::ffff:11.0.0.9"] {
            assert!(!inside(address), "{address}");
        }
        assert!(Networks::parse("0.0.0.0/0").unwrap().contain("203.0.113.9".parse().unwrap()));
        assert!(!Networks::parse("").unwrap().contain("127.0.0.1".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "10.0.0.0/-1", "proxy", "10.0.0.0/8/8", "::1/129"] {
            assert!(Networks::parse(wrong).unwrap_err().to_string().contains(wrong), "{wrong}");
        }
    }
}
