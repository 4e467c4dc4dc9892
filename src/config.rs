//! Settings: each is a flag, an environment variable and a line of one TOML file; flags win over the environment, the environment over the file.
//! A setting that nobody knows is an error.

use std::path::PathBuf;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::store::DatabaseUrl;

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
    /// Where the service listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "QUITTANCE_LISTEN", global = true)]
    pub listen: Option<String>,
}

/// The environment variables that are settings; a token is one for those who speak to a running service.
const VARIABLES: &[&str] = &["QUITTANCE_DATA", "QUITTANCE_KEYS", "QUITTANCE_DATABASE_URL", "QUITTANCE_LISTEN", "QUITTANCE_CONFIG", "QUITTANCE_TOKEN"];

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the record.
    pub data: PathBuf,
    /// The folder of the keys.
    pub keys: PathBuf,
    /// The database.
    pub database: DatabaseUrl,
    /// Where the service listens.
    pub listen: String,
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
        let data = given.data.clone().or(filed.data).unwrap_or_else(|| PathBuf::from(data));
        let keys = given.keys.clone().or(filed.keys).unwrap_or_else(|| keys.map_or_else(|| data.join("keys"), PathBuf::from));
        let database = match given.database_url.clone().or(filed.database_url) {
            Some(url) => DatabaseUrl::parse(&url)?,
            None => DatabaseUrl::in_folder(&data),
        };
        let listen = given.listen.clone().or(filed.listen).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        Ok(Self { data, keys, database, listen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_unknown_lines_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quittance.toml");
        std::fs::write(&file, "data = \"/srv/a\"\nlisten = \"127.0.0.1:9\"\n").unwrap();
        let given = Given { listen: Some("127.0.0.1:1".to_owned()), ..Given::default() };
        let config = Config::new(&given, Some(&file), "./quittance-data", None).unwrap();
        assert_eq!((config.data.to_str(), config.listen.as_str()), (Some("/srv/a"), "127.0.0.1:1"));
        std::fs::write(&file, "dota = \"/srv/a\"\n").unwrap();
        assert!(Config::new(&given, Some(&file), ".", None).unwrap_err().to_string().contains("dota"));
    }
}
