//! The files of `static/`, carried in the program and served under one digest of them all, so that browsers may keep each for ever and scripts import
//! one another by relative paths.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpResponse, web};

use super::problem::Problem;
use crate::proof::digest::{hex, sha256};

const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/statics.rs"));

/// All files by path; the style sheets one after the other are `style.css`.
static TREE: LazyLock<BTreeMap<&'static str, Vec<u8>>> = LazyLock::new(|| {
    let is_style = |path: &str| path.starts_with("css/");
    let style = FILES.iter().filter(|(path, _)| is_style(path)).map(|(_, bytes)| *bytes).collect::<Vec<_>>().concat();
    let others = FILES.iter().filter(|(path, _)| !is_style(path)).map(|(path, bytes)| (*path, bytes.to_vec()));
    others.chain([("style.css", style)]).collect()
});

/// Changes with any of the files.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let all: Vec<u8> = TREE.iter().flat_map(|(path, bytes)| [sha256(path.as_bytes()), sha256(bytes)].concat()).collect();
        hex(&sha256(&all)).chars().take(16).collect()
    });
    &VERSION
}

/// The bytes of a file.
pub fn file(path: &str) -> Option<&'static [u8]> {
    TREE.get(path).map(Vec::as_slice)
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        Some("wav") => "audio/wav",
        Some("webmanifest") => "application/manifest+json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What a worker that decodes pictures may do: a worker is under the policy of its own file, so that pages need not allow WebAssembly.
const DECODER_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

/// `GET /static/{version}/{path}`
pub async fn show(path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (asked, path) = path.into_inner();
    let bytes = file(&path).ok_or_else(|| Problem::unknown("There is no such file."))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, kind(&path)));
    if path.ends_with("decoder.js") {
        response.insert_header((CONTENT_SECURITY_POLICY, DECODER_POLICY));
    }
    // A page from before an update may ask for files by the old digest: it gets the new ones, to be kept by nobody.
    if asked == version() {
        response.insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"));
    }
    Ok(response.body(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_kind_and_scripts_import_files_that_exist() {
        for (path, bytes) in TREE.iter() {
            assert_ne!(kind(path), "application/octet-stream", "{path} would be served as nothing in particular");
            if !path.ends_with(".js") || path.starts_with("wasm/") {
                continue;
            }
            let text = std::str::from_utf8(bytes).unwrap();
            for import in text.lines().filter(|line| line.starts_with("import ")) {
                let target = import.split(['\'', '"']).nth(1).unwrap();
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
                for part in target.split('/') {
                    match part {
                        "." => {}
                        ".." => drop(parts.pop()),
                        part => parts.push(part),
                    }
                }
                assert!(file(&parts.join("/")).is_some(), "{path} imports {target}, which is not there");
            }
            // Text becomes markup in one place only, and from this service's own pages only.
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createPolicy", "eval(", "new Function"] {
                assert!(!text.contains(word) || ["js/policy.js", "js/swap.js"].contains(path), "{path} may not use {word}");
            }
        }
    }
}
