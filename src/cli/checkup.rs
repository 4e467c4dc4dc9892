//! `quittance checkup`: compares vendors' papers with an inventory and says what to ask for; without a server, an account or a record.

use std::path::{Path, PathBuf};

use askama::Template;

use super::{USAGE, service, unreadable};
use crate::app::now;
use crate::operations::check_papers::{self, Checkup, Paper, Section};

/// Largest file.
const MAX_BYTES: u64 = 100 << 20;
/// Lines of a section that are printed; the page has all.
const PRINTED: usize = 5;

/// Compare vendors' papers with an inventory: what left without proof, which claims cannot be, what to ask for
///
/// Nothing is sent and nothing is kept. The inventory is a CSV export (Snipe-IT, or any list with a column for asset tags or serial numbers, and one for the
/// status). Papers are erasure reports and logs (PDF, XML, JSON, text), lists (CSV, XLSX) and ZIP archives of them. Exit codes: 0 nothing to ask · 1 something is ·
/// 2 the inventory or a file cannot be read.
#[derive(clap::Args)]
pub struct Arguments {
    /// The inventory
    #[arg(long, value_name = "FILE")]
    inventory: PathBuf,
    /// The vendors' papers; a folder stands for the files in it
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    paper: Vec<PathBuf>,
    /// Where the result is written as one page
    #[arg(long, value_name = "FILE", default_value = "checkup.html")]
    html: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Template)]
#[template(path = "checkups/show.html")]
struct Page<'a> {
    inventory: &'a str,
    files: usize,
    on: &'a str,
    found: &'a Checkup,
}

impl Arguments {
    /// Compares and prints; gives the exit code.
    pub fn run(&self) -> u8 {
        match self.check() {
            Ok(found) => u8::from(found.findings() > 0),
            Err((why, code)) => {
                eprintln!("{why}");
                code
            }
        }
    }

    fn check(&self) -> Result<Checkup, (String, u8)> {
        let unread = |why: String| (why, 2);
        let inventory = read(&self.inventory).map_err(unread)?;
        let mut paths = Vec::new();
        for path in &self.paper {
            paths.extend(files(path).map_err(unread)?);
        }
        let papers =
            paths.iter().map(|path| Ok(Paper { name: name(path), bytes: read(path)? })).collect::<Result<Vec<_>, String>>().map_err(unread)?;
        let files = papers.len();
        let bar = service::bar(u64::try_from(files).unwrap_or(u64::MAX));
        bar.set_message("reading the papers");
        let found = check_papers::check(&inventory, papers, now(), &|done| bar.set_position(u64::try_from(done).unwrap_or(u64::MAX)));
        bar.finish_and_clear();
        let found = found.map_err(|why| (format!("{}: {why}", self.inventory.display()), 2))?;
        let text = now().text();
        let page = Page { inventory: &name(&self.inventory), files, on: text.get(..10).unwrap_or(&text), found: &found };
        let page = page.render().map_err(|e| (format!("The page could not be made: {e}."), USAGE))?;
        std::fs::write(&self.html, page)
            .map_err(|e| unread(format!("{} cannot be written: {e}. Name another place with --html.", self.html.display())))?;
        if self.json {
            println!("{:#}", serde_json::json!(found));
        } else {
            self.print(&found);
        }
        Ok(found)
    }

    fn print(&self, found: &Checkup) {
        println!(
            "{} devices, {} of them gone by the inventory; {} papers name {} devices and drives, {} of the gone ones among them.\n",
            found.devices, found.gone, found.papers, found.named, found.gone_with_paper
        );
        found.sections.iter().for_each(print_section);
        println!("{} things to ask. All of them, with what to ask for: {}", found.findings(), self.html.display());
    }
}

fn print_section(section: &Section) {
    println!("{} · {}", section.title, section.lines.len());
    for line in section.lines.iter().take(PRINTED) {
        let file = if line.file.is_empty() || line.file == line.about { String::new() } else { format!("  [{}]", line.file) };
        println!("  {}{file}\n      {}\n      → {}", line.about, line.what, line.ask);
    }
    if section.lines.len() > PRINTED {
        println!("  … and {} more on the page", section.lines.len() - PRINTED);
    }
    println!();
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().chars().filter(|c| !c.is_control()).collect())
}

/// The file itself, or the files of a folder in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|e| unreadable(path, &e))?;
    let hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file() && !hidden(path)).collect();
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let trouble = |e: std::io::Error| unreadable(path, &e);
    if std::fs::metadata(path).map_err(trouble)?.len() > MAX_BYTES {
        return Err(format!("{} is larger than {} MB.", path.display(), MAX_BYTES >> 20));
    }
    std::fs::read(path).map_err(trouble)
}
