//! The files of `static/`, carried in the program and served under one digest of them all, so that browsers may keep each for ever and scripts import
//! one another by relative paths.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::problem::Problem;
use super::words::{self, Language};
use super::{Data, page};
use crate::proof::digest::{hex, sha256};

const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/statics.rs"));

/// All files by path; the style sheets one after the other are `style.css`.
static TREE: LazyLock<BTreeMap<&'static str, Vec<u8>>> = LazyLock::new(|| {
    let is_style = |path: &str| path.starts_with("css/");
    let style = FILES.iter().filter(|(path, _)| is_style(path)).map(|(_, bytes)| *bytes).collect::<Vec<_>>().concat();
    let others = FILES.iter().filter(|(path, _)| !is_style(path)).map(|(path, bytes)| (*path, bytes.to_vec()));
    others.chain([("style.css", style), ("js/words/es.js", words_of_scripts().into_bytes())]).collect()
});

/// What scripts say, in Spanish: a module for `js/say.js`.
fn words_of_scripts() -> String {
    let scripts = FILES.iter().filter(|(path, _)| path.ends_with(".js")).filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok());
    let said = scripts.flat_map(words::said_by_script);
    let spanish: BTreeMap<String, String> = said.map(|english| (english.clone(), Language::Spanish.say(&english).to_owned())).collect();
    format!("export default {};\n", json!(spanish))
}

/// A page that checks certificates and is one file: its scripts as one, each module a function that gives what it exports. The modules are written so that
/// this needs no parser: imports and exports stand at the beginning of a line, in one spelling.
fn bundled(entry: &str) -> String {
    fn add(path: &str, done: &mut Vec<String>, out: &mut String) -> Option<()> {
        if done.iter().any(|known| known == path) {
            return Some(());
        }
        let text = std::str::from_utf8(file(path)?).ok()?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (mut body, mut exports) = (String::new(), Vec::new());
        for line in text.lines() {
            if let Some(import) = line.strip_prefix("import ") {
                let target = resolve(folder, import.split('\'').nth(1)?);
                add(&target, done, out)?;
                if let Some(names) = import.split(['{', '}']).nth(1) {
                    body.push_str(&format!("const {{{}}} = modules[{target:?}];\n", names.replace(" as ", ": ")));
                }
            } else if let Some(export) = line.strip_prefix("export ") {
                let name = export.trim_start_matches("async ").split_whitespace().nth(1)?;
                exports.push(name.split(['(', '=', ';', '{']).next()?.to_owned());
                body.push_str(export);
                body.push('\n');
            } else {
                body.push_str(line);
                body.push('\n');
            }
        }
        out.push_str(&format!("modules[{path:?}] = await (async () => {{\n{body}return {{ {} }};\n}})();\n", exports.join(", ")));
        done.push(path.to_owned());
        Some(())
    }
    let mut out = String::from("const modules = {};\n");
    add(entry, &mut Vec::new(), &mut out).map_or_else(String::new, |()| out)
}

/// A relative import, as a path of the tree.
fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The script of the page that is one file, which is in English.
pub fn single_script() -> &'static str {
    static SCRIPT: LazyLock<String> = LazyLock::new(|| bundled("js/verify/page.js"));
    &SCRIPT
}

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
        // A page that embeds nothing of others starts no worker that might.
        response.insert_header(("cross-origin-embedder-policy", "require-corp"));
    }
    // A page from before an update may ask for files by the old digest: it gets the new ones, to be kept by nobody.
    if asked == version() {
        response.insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"));
    }
    Ok(response.body(bytes))
}

/// What the scan page needs where there is no network.
const OFFLINE: &[&str] = &["style.css", "favicon.svg", "js/", "sounds/"];
/// What a service worker may do: fetch from here.
const WORKER_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'";

/// `GET /sw.js`: `js/dock/worker.js`, told which files to keep; it has this address because it works for all pages under its own.
pub async fn worker(state: Data) -> Result<HttpResponse, Problem> {
    let script = file("js/dock/worker.js").ok_or_else(|| Problem::unknown("There is no such file."))?;
    let base = page::base(&state);
    let kept = |path: &&&str| OFFLINE.iter().any(|start| path.starts_with(start)) && !path.ends_with("worker.js");
    let files: Vec<String> = TREE.keys().filter(kept).map(|path| format!("{base}/static/{}/{path}", version())).collect();
    let told = serde_json::json!({"base": base, "version": version(), "files": files});
    let script = [format!("const TOLD = {told};\n").as_bytes(), script].concat();
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/javascript; charset=utf-8")).insert_header((CONTENT_SECURITY_POLICY, WORKER_POLICY));
    Ok(response.body(script))
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
                assert!(file(&resolve(folder, target)).is_some(), "{path} imports {target}, which is not there");
            }
            // Text becomes markup in one place only, and from this service's own pages only.
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createPolicy", "eval(", "new Function"] {
                assert!(!text.contains(word) || ["js/policy.js", "js/swap.js"].contains(path), "{path} may not use {word}");
            }
        }
    }
}
