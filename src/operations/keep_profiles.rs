//! The organisation's profiles of files that no reader knows: one TOML file each in the data folder, read when the record is opened. The name and version
//! of the one that read a file are recorded with the file.

use std::path::{Path, PathBuf};

use super::read_file::MAX_PROFILES_BYTES;
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::evidence::mapped::{Profile, Profiles};
use crate::store::files::replace_durably;

/// Where they are.
const FOLDER: &str = "profiles";

fn files(data: &Path) -> Result<Vec<PathBuf>> {
    let folder = data.join(FOLDER);
    let broken = |error| Error::fault(&folder.display().to_string(), error);
    let mut files = Vec::new();
    match std::fs::read_dir(&folder) {
        Ok(found) => {
            for entry in found {
                let path = entry.map_err(broken)?.path();
                if path.extension().is_some_and(|extension| extension == "toml") {
                    files.push(path);
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(broken(error)),
    }
    files.sort();
    Ok(files)
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| Error::fault(&path.display().to_string(), e))
}

fn refused(path: &Path, why: &str) -> Error {
    Refusal::new("profiles.malformed", format!("{}: {why}", path.display())).into()
}

/// All of them, by name.
pub fn all(data: &Path) -> Result<Profiles> {
    let mut texts = Vec::new();
    for path in files(data)? {
        let text = text(&path)?;
        Profile::parse(&text).map_err(|why| refused(&path, &why))?;
        texts.push(text);
    }
    Profiles::parse(texts).map_err(|why| refused(&data.join(FOLDER), &why))
}

/// Keeps a profile from a file, in the place of an older version of the same name; name and version.
pub fn keep(data: &Path, path: &Path) -> Result<(String, u32)> {
    let text = text(path)?;
    let profile = Profile::parse(&text).map_err(|why| refused(path, &why))?;
    let known = all(data)?;
    if let Some((_, version)) = known.named().find(|(name, version)| *name == profile.name && *version >= profile.version) {
        let why = format!(
            "Version {version} of {} is kept already. Where it reads files differently now, raise its version: readings name the version that made them.",
            profile.name
        );
        return Err(Refusal::new("profiles.version", why).into());
    }
    let others: usize =
        files(data)?.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|meta| usize::try_from(meta.len()).unwrap_or(0)).sum();
    // Written as JSON to the reader, which takes a little more.
    if (others + text.len()) * 2 > MAX_PROFILES_BYTES {
        let why = "All profiles together have at most 512 KB; remove one that is not needed.";
        return Err(Refusal::new("profiles.too_many", why).into());
    }
    let folder = data.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|e| Error::fault(&folder.display().to_string(), e))?;
    replace_durably(&folder.join(format!("{}.toml", profile.name)), text.as_bytes())?;
    Ok((profile.name, profile.version))
}

/// Removes a profile; what it has read stays as it was read.
pub fn remove(data: &Path, name: &str) -> Result<()> {
    let known = all(data)?;
    if !known.named().any(|(known, _)| known == name) {
        let names: Vec<&str> = known.named().map(|(name, _)| name).collect();
        let why =
            if names.is_empty() { "No profile is kept.".to_owned() } else { format!("There is no such profile; kept are: {}.", names.join(", ")) };
        return Err(Refusal::new("profiles.unknown", why).into());
    }
    let path = data.join(FOLDER).join(format!("{name}.toml"));
    std::fs::remove_file(&path).map_err(|e| Error::fault(&path.display().to_string(), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "name = \"own-sheet\"\nversion = 1\nsource = \"csv\"\ntechnique = \"degauss\"\n[fields]\nserial = \"Drive\"\nresult = \"Done\"\n\
        [results]\nyes = \"pass\"\n";

    #[test]
    fn a_profile_is_kept_by_its_name_and_replaced_by_a_newer_one_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (data, file) = (folder.path().join("data"), folder.path().join("profile.toml"));
        assert_eq!(all(&data).unwrap().named().count(), 0);
        std::fs::write(&file, PROFILE).unwrap();
        assert_eq!(keep(&data, &file).unwrap(), ("own-sheet".to_owned(), 1));
        assert!(keep(&data, &file).unwrap_err().to_string().contains("raise its version"));
        std::fs::write(&file, PROFILE.replace("version = 1", "version = 2")).unwrap();
        assert_eq!(keep(&data, &file).unwrap().1, 2);
        assert_eq!(all(&data).unwrap().named().collect::<Vec<_>>(), [("own-sheet", 2)]);
        std::fs::write(&file, PROFILE.replace("csv", "cvs")).unwrap();
        let why = keep(&data, &file).unwrap_err().to_string();
        assert!(why.contains("profile.toml") && why.contains("Line 3"), "{why}");
        assert!(remove(&data, "other").unwrap_err().to_string().contains("kept are: own-sheet"));
        remove(&data, "own-sheet").unwrap();
        assert_eq!(all(&data).unwrap().named().count(), 0);
    }
}
