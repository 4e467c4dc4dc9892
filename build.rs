//! Lists the files of `static/` for the program to carry: `(path below static/, bytes)`, in the order of their paths.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a build that cannot read its own files stops")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("static");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).unwrap().to_str().expect("a file name that is no text").replace('\\', "/");
        writeln!(list, "    ({name:?}, include_bytes!({:?}) as &[u8]),", file.to_str().unwrap()).unwrap();
    }
    list.push(']');
    std::fs::write(Path::new(&std::env::var("OUT_DIR").unwrap()).join("statics.rs"), list).unwrap();
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in std::fs::read_dir(folder).expect("static/ cannot be read") {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
