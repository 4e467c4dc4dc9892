//! A verdict in words: which rule, on which medium, by which evidence, what is missing, and what to ask for. Two sentences that a coordinator can send on.

use super::super::asset::Asset;
use super::super::disposition::{Destination, Outcome};
use super::super::evidence::{Link, ToolResult};
use super::super::medium::{Medium, Sanitization};
use super::super::names::{MediaType, Method, Sensitivity, Technique};
use super::{Circumstances, Missed, Pack, Precondition, Reached, Statement, Stopped};

/// By what it is shown.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// A stored file; the tool that wrote it, where that is known.
    File(Option<&'a str>),
    /// What a person says.
    Statement,
}

/// The least that is asked for, and why.
#[derive(Clone, Copy, Debug)]
pub struct Least {
    /// The method.
    pub method: Method,
    /// How confidential the data is.
    pub sensitivity: Sensitivity,
    /// Where the device goes.
    pub destination: Destination,
}

/// What a verdict is about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The policy that was asked.
    pub pack: &'a Pack,
    /// How people tell the medium from others.
    pub medium: &'a str,
    /// What kind it is.
    pub media_type: MediaType,
    /// What was done to it.
    pub technique: Technique,
    /// By what that is shown.
    pub shown: Shown<'a>,
    /// The least that is asked for; `None` where nobody has said yet where it goes.
    pub least: Option<Least>,
}

impl<'a> Question<'a> {
    /// About a sanitization that is judged now.
    pub fn of(pack: &'a Pack, medium: &'a str, of: &Circumstances<'a>, shown: Shown<'a>) -> Self {
        Self { pack, medium, media_type: of.media_type, technique: of.technique, shown, least: None }
    }

    /// The verdict: what it comes to and why; what would mend it, where it is not enough.
    pub fn answer(&self, reached: &Reached) -> String {
        match (reached.stopped, &reached.missed, self.least) {
            (Some(stopped), ..) => self.stopped(stopped),
            (None, Some(missed), _) if reached.method == Method::None => format!(
                "By rule {} of {} “{}” on {} is {} only where all its conditions are shown; {} does not show: {}. Ask for {}.",
                missed.rule,
                self.pack(),
                self.technique.label(),
                self.medium,
                missed.reaches.label(),
                self.shown(),
                in_row(missed.needs.iter().map(|need| need.label()), "; "),
                asks(&missed.needs)
            ),
            (None, _, Some(least)) if reached.method < least.method => format!("{} {}", self.too_weak(reached, least), self.way_out(reached, least)),
            (None, _, least) => {
                let enough = least.map_or_else(String::new, |least| {
                    format!(", which is enough for {} data and {}", least.sensitivity.label(), least.destination.label())
                });
                format!("{}{enough}. Its basis: {}.", self.comes_to(reached), reached.basis)
            }
        }
    }

    fn stopped(&self, stopped: Stopped) -> String {
        let technique = self.technique.label();
        let destruction = || join_or(&self.physical(Method::Destroy));
        match stopped {
            Stopped::NoRule if self.media_type == MediaType::Unknown => format!(
                "“{technique}” counts for nothing on {}: nobody knows what kind of storage it is, and then nothing but {} counts (rule P-1 of {}). \
                 Find out what it is and record that, or have it destroyed in this way.",
                self.medium,
                destruction(),
                self.pack()
            ),
            Stopped::NoRule => format!(
                "“{technique}” does not sanitize {}: no rule of {} names it for this kind of storage (P-1). Ask for {}.",
                self.medium,
                self.pack(),
                self.enough(if self.logical(Method::Purge).is_empty() { Method::Clear } else { Method::Purge })
            ),
            Stopped::NotOperational => format!(
                "{} does not power on, so it cannot have carried out “{technique}” (rule P-5 of {}). Ask for its destruction ({}), or say that it powers \
                 on (operational) where that was wrong.",
                self.medium,
                self.pack(),
                destruction()
            ),
            Stopped::FailedOnce => format!(
                "Sanitization of {} has failed before, and “{technique}” is the same technique again or a weaker one: one further attempt counts, by \
                 another technique that is at least as strong (rule P-5 of {}). Ask for such a one, or for its destruction ({}).",
                self.medium,
                self.pack(),
                destruction()
            ),
            Stopped::FailedBefore => format!(
                "Sanitization of {} has failed twice, and “{technique}” does not destroy: only destruction is left for it (rule P-5 of {}). Ask for \
                 its destruction ({}).",
                self.medium,
                self.pack(),
                destruction()
            ),
        }
    }

    fn too_weak(&self, reached: &Reached, least: Least) -> String {
        let gap = reached.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        format!(
            "“{}” on {} is {}, not {} (rule {} of {}, shown by {}){gap}.",
            self.technique.label(),
            self.medium,
            reached.method.label(),
            least.method.label(),
            reached.rule,
            self.pack(),
            self.shown()
        )
    }

    fn comes_to(&self, reached: &Reached) -> String {
        format!(
            "“{}” on {} is {} by rule {} of {}, shown by {}",
            self.technique.label(),
            self.medium,
            reached.method.label(),
            reached.rule,
            self.pack(),
            self.shown()
        )
    }

    /// What would be enough. A device that can only be reset has three honest ways out (itad §2.3).
    fn way_out(&self, reached: &Reached, least: Least) -> String {
        let asked = format!("For {} data and {} {} is the least", least.sensitivity.label(), least.destination.label(), least.method.label());
        if self.technique.is_reset() && least.method == Method::Purge {
            return format!(
                "{asked}, and three ways are open: the organisation attests in its policy that the reset of this model is a cryptographic erase; an \
                 approver accepts the residual risk (accept_residual_risk), and it stays {}; or it is destroyed ({}).",
                reached.method.label(),
                join_or(&self.physical(Method::Destroy))
            );
        }
        let missed = reached.missed.as_ref().filter(|missed| missed.reaches >= least.method);
        let send = missed.map_or_else(String::new, |missed| {
            format!("{}, by which rule {} makes it {}; or ", asks(&missed.needs), missed.rule, missed.reaches.label())
        });
        format!(
            "{asked}: ask for {send}{}; less stands only where an approver accepts the residual risk (accept_residual_risk).",
            self.enough(least.method)
        )
    }

    /// What reaches a method on this medium: what it can do itself, or how it is destroyed.
    fn enough(&self, method: Method) -> String {
        let (itself, destroyed) = (self.logical(method), self.physical(Method::Destroy));
        let degauss = self.physical(method).into_iter().filter(|label| *label == Technique::Degauss.label());
        let itself: Vec<&str> = itself.into_iter().chain(degauss).collect();
        match (itself.is_empty(), destroyed.is_empty()) {
            (false, false) => format!("{}, or destruction ({})", join_or(&itself), join_or(&destroyed)),
            (false, true) => join_or(&itself),
            (true, false) => format!("destruction ({})", join_or(&destroyed)),
            (true, true) => "another medium: this policy knows no way for this kind".to_owned(),
        }
    }

    fn logical(&self, method: Method) -> Vec<&'static str> {
        self.techniques(method, |technique| !technique.is_physical())
    }

    fn physical(&self, method: Method) -> Vec<&'static str> {
        self.techniques(method, Technique::is_physical)
    }

    /// The techniques that reach a method on this medium, without the one that was used.
    fn techniques(&self, method: Method, kind: impl Fn(Technique) -> bool) -> Vec<&'static str> {
        let rules = self.pack.rules.iter().filter(|rule| {
            rule.reaches >= method && rule.media.contains(&self.media_type) && rule.technique != self.technique && kind(rule.technique)
        });
        // Shredding counts in a few cases only: it is not what to ask for.
        let mut found: Vec<&str> =
            rules.filter(|rule| !rule.needs.contains(&Precondition::ShredAllowed)).map(|rule| rule.technique.label()).collect();
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|label| seen.insert(*label));
        found
    }

    fn pack(&self) -> String {
        format!("{} version {}", self.pack.name, self.pack.version)
    }

    fn shown(&self) -> String {
        match self.shown {
            Shown::File(Some(tool)) => format!("the file of {tool}"),
            Shown::File(None) => "the stored file".to_owned(),
            Shown::Statement => "the statement alone".to_owned(),
        }
    }
}

/// About a sanitization that counts already, and is less than is asked for. What was shown for it then is not judged again.
pub fn of_done(pack: &Pack, medium: &Medium, done: &Sanitization, least: Least) -> String {
    let shown = if done.evidence.is_some() { Shown::File(done.tool.as_deref()) } else { Shown::Statement };
    let (title, media_type, technique) = (medium.title(), medium.media_type, done.technique);
    let rule = pack.rules.iter().find(|rule| rule.id == done.rule && rule.technique == technique);
    let stronger = pack.rules_for(media_type, technique, None).into_iter().find(|rule| rule.reaches > done.method);
    let reached = Reached {
        method: done.method,
        rule: done.rule.clone(),
        basis: done.basis.clone(),
        note: rule.and_then(|rule| rule.note.clone()),
        missed: stronger.map(|rule| Missed { rule: rule.id, reaches: rule.reaches, needs: rule.needs }),
        stopped: None,
    };
    Question { pack, medium: &title, media_type, technique, shown, least: Some(least) }.answer(&reached)
}

/// What a stored file would come to for a medium if nothing else was stated, and what to ask for. Where nobody has said yet where the device goes, the
/// least for reuse by others is shown. `None` where the file tells of no success: there is nothing to judge.
pub fn of_reading(pack: &Pack, medium: &Medium, host: Option<&Asset>, link: &Link) -> Option<String> {
    if !matches!(link.reading.result, ToolResult::Pass | ToolResult::PassWithExceptions) {
        return None;
    }
    let destination = host.and_then(Asset::outcome).and_then(Outcome::destination);
    let destination = destination.unwrap_or(Destination::ExternalReuse);
    let statement = Statement::default();
    let of = Circumstances::of(medium, host, link.reading.technique, Some(&link.reading), &statement);
    let title = medium.title();
    let question = Question::of(pack, &title, &of, Shown::File(link.reading.tool.as_deref()));
    let least = Least { method: pack.least(of.sensitivity, destination), sensitivity: of.sensitivity, destination };
    Some(Question { least: Some(least), ..question }.answer(&pack.reached(&of)))
}

impl Technique {
    /// Puts a whole device back to how it left the factory.
    const fn is_reset(self) -> bool {
        matches!(self, Technique::FactoryReset | Technique::PowerwashTpmClear | Technique::EraseAllContent)
    }
}

/// What to ask for, where these are missing; the same thing is asked for once.
pub fn asks(needs: &[Precondition]) -> String {
    let mut asks: Vec<&str> = needs.iter().map(|need| need.ask()).collect();
    asks.dedup();
    in_row(asks.into_iter(), "; ")
}

fn in_row<'a>(words: impl Iterator<Item = &'a str>, between: &str) -> String {
    words.collect::<Vec<_>>().join(between)
}

/// `a, b or c`
fn join_or(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
